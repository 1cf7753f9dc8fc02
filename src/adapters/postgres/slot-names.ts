import { createHash } from 'node:crypto';
import { parseMemberName, type MemberName } from '../../core/brand.ts';

const PREFIX = 'haagent_';
/** PostgreSQL's limit for names. */
const LONGEST = 63;

/**
 * The slot of a member, one for each: slots know neither `-` nor capitals, so `_` becomes `__` and `-` becomes `_d`. A name
 * that would grow too long ends in `_x` and its hash, which the plain form never contains.
 */
export const slotName = (member: MemberName): string => {
  const plain = PREFIX + member.replaceAll('_', '__').replaceAll('-', '_d');
  if (plain.length <= LONGEST) return plain;
  const hash = createHash('sha256').update(member).digest('hex').slice(0, 32);
  return `${PREFIX}${member.replaceAll(/[^a-z0-9]/g, '').slice(0, 20)}_x${hash}`;
};

/** Whose slot this is; `undefined` for foreign ones and for hashed names, which only their member's name can tell. */
export const memberOfSlot = (slot: string): MemberName | undefined => {
  if (!isMemberSlot(slot)) return undefined;
  const plain = slot.slice(PREFIX.length);
  if (!/^([a-z0-9]|__|_d)+$/.test(plain)) return undefined;
  return parseMemberName(plain.replaceAll(/_(_|d)/g, (_, second) => (second === 'd' ? '-' : '_')));
};

/** Made by an agent for a member: everything else belongs to the operator and is left alone. */
export const isMemberSlot = (slot: string): boolean => slot.startsWith(PREFIX);
