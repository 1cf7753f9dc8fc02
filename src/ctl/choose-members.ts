import type { MemberName } from '../core/brand.ts';
import { parseMemberName } from '../core/brand.ts';
import type { ClusterDocument, MemberDocument } from '../state/cluster-document.ts';
import { RefusedError, usageError } from './context.ts';

export type RoleOption = 'leader' | 'replica' | 'any';

/** The members that a command is about: those named, or all of a role. Replicas come first, the leader last. */
export const chooseMembers = (
  cluster: ClusterDocument,
  names: readonly MemberName[],
  role: RoleOption | undefined,
): readonly (MemberDocument & { readonly name: MemberName })[] => {
  if (names.length === 0 && role === undefined)
    throw usageError('Which members?', 'Name them, or choose by --role leader, replica or any.');
  const unknown = names.filter((name) => !cluster.members.some((member) => member.name === name));
  if (unknown.length > 0)
    throw new RefusedError({
      kind: 'refused',
      code: 'not-found',
      message: `There is no member ${unknown.join(', ')} in cluster ${cluster.scope}.`,
      hint: `The members are ${cluster.members.map(({ name }) => name).join(', ')}.`,
    });
  return cluster.members
    .flatMap((member) => {
      const name = parseMemberName(member.name);
      return name === undefined ? [] : [{ ...member, name }];
    })
    .filter(({ name }) => names.length === 0 || names.includes(name))
    .filter(({ role: own }) => role === undefined || role === 'any' || (role === 'leader') === (own === 'leader'))
    .sort((a, b) => Number(a.role === 'leader') - Number(b.role === 'leader'));
};
