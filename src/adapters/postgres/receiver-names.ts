import { createHash } from 'node:crypto';
import { parseInstanceId, parseMemberName, type MemberName } from '../../core/brand.ts';

/** What an application_name can carry; PostgreSQL cuts off the rest without a word. */
const LONGEST = 63;
const HASH = 16;
/** Names that are no member's may be demanded as well (nobody ever has them), as long as they need no escape. */
const PLAIN = /^[a-z0-9_.~-]{1,63}$/;

const hashed = (member: MemberName, room: number): string => {
  const hash = createHash('sha256').update(member).digest('hex').slice(0, HASH);
  return `${member.slice(0, room - HASH - 1)}.${hash}`;
};

/**
 * The application_name of a member's receiver, `member~instance` (rule D12; C4: lower case, at most 63 bytes). A member whose name
 * leaves no room for its instance is called by the beginning of its name, a dot, which no member's name contains, and its hash.
 * `undefined` for what could be no voter and needs quoting.
 */
export const receiverName = (voter: string): string | undefined => {
  const [name, id, ...rest] = voter.split('~');
  const member = parseMemberName(name);
  const instance = parseInstanceId(id);
  if (member === undefined || instance === undefined || rest.length > 0) return PLAIN.test(voter) ? voter : undefined;
  if (voter.length <= LONGEST) return voter;
  return `${hashed(member, LONGEST - 1 - instance.length)}~${instance}`;
};

/** `member~instance` of a receiver. The member of a hashed name is one of `members`; unknown, it stays as it is. */
export const voterOf = (receiver: string, members: Iterable<MemberName>): string => {
  const [name = '', instance] = receiver.split('~');
  if (!name.includes('.') || instance === undefined) return receiver;
  for (const member of members) if (receiverName(`${member}~${instance}`) === receiver) return `${member}~${instance}`;
  return receiver;
};
