import type { ClusterDocument, MemberDocument } from '../state/cluster-document.ts';
import type { Printer } from './printer.ts';
import { drawTable } from './table.ts';

const ROLES: Readonly<Record<MemberDocument['role'], string>> = {
  leader: 'Leader',
  sync_standby: 'Sync Standby',
  quorum_standby: 'Quorum Standby',
  replica: 'Replica',
};

/** The table of `haagentctl list`: the leader marked with a star, below it what is scheduled and whether it is paused. */
export const clusterTable = (document: ClusterDocument, print: Printer): string =>
  [
    drawTable(
      `Cluster: ${document.scope}`,
      ['Member', 'Host', 'Role', 'State', 'TL', 'Lag', 'Tags', 'Pending restart'],
      document.members.map((member) => rowOf(member, print)),
      { right: ['TL', 'Lag'] },
    ),
    ...footer(document).map((line) => ` ${line}`),
  ].join('\n');

const rowOf = (member: MemberDocument, print: Printer): readonly string[] => {
  const leads = member.role === 'leader';
  return [
    leads ? print.paint('bold', `${member.name} *`) : member.name,
    address(member),
    leads ? print.paint('bold', ROLES.leader) : ROLES[member.role],
    print.paint(styleOf(member), member.state),
    member.timeline === 0 ? '' : String(member.timeline),
    leads ? '' : lagText(member.lag),
    tagsText(member.tags),
    member.pending_restart === true ? print.paint('yellow', 'yes') : '',
  ];
};

const address = ({ host, port }: MemberDocument): string => `${host.includes(':') ? `[${host}]` : host}:${port}`;

const styleOf = ({ state }: MemberDocument): 'green' | 'yellow' | 'red' => {
  if (state === 'running' || state === 'streaming') return 'green';
  return state === 'stopped' || state === 'crashed' || state === 'start failed' || state === 'unknown'
    ? 'red'
    : 'yellow';
};

/** Rounded for people; exact numbers are in the JSON form. */
const lagText = (lag: MemberDocument['lag']): string => {
  if (lag === 'unknown') return 'unknown';
  const [unit, size] = UNITS.find(([, least]) => lag >= least) ?? ['B', 1];
  return `${Math.round((lag / size) * 10) / 10}${unit}`;
};

const UNITS = [
  ['GB', 1024 ** 3],
  ['MB', 1024 ** 2],
  ['kB', 1024],
] as const;

const tagsText = (tags: MemberDocument['tags']): string =>
  Object.entries(tags)
    .map(([name, value]) => (value === true ? name : `${name}=${value}`))
    .join(', ');

const footer = (document: ClusterDocument): readonly string[] => {
  const { scheduled_switchover: switchover, members } = document;
  return [
    ...(document.pause === true ? ['Maintenance: the cluster is paused, nothing automatic happens'] : []),
    ...(switchover === undefined
      ? []
      : [
          `Switchover scheduled at ${switchover.at}, from ${switchover.from ?? 'the leader'} to ${switchover.to ?? 'the best member'}`,
        ]),
    ...members.flatMap(({ name, scheduled_restart: restart }) =>
      restart === undefined ? [] : [`Restart of ${name} scheduled at ${restart.schedule}`],
    ),
  ];
};

/** The tree of `haagentctl topology`: every member below the one that it replicates from. */
export const topologyTree = (document: ClusterDocument, print: Printer): string => {
  const { members } = document;
  const leader = members.find(({ role }) => role === 'leader');
  const sourceOf = (member: MemberDocument): string | undefined => {
    const wanted = member.tags['replicatefrom'];
    const there = members.some(({ name }) => name === wanted && name !== member.name);
    return there && typeof wanted === 'string' ? wanted : leader?.name;
  };
  const seen = new Set<string>();
  const lines: string[] = [];
  const add = (member: MemberDocument, depth: number): void => {
    if (seen.has(member.name)) return;
    seen.add(member.name);
    const what = [ROLES[member.role], member.state, member.role === 'leader' ? '' : `lag ${lagText(member.lag)}`];
    const text = `${member.name}${depth === 0 && member === leader ? ' *' : ''} (${what.filter((w) => w !== '').join(', ')})`;
    lines.push(
      `${depth === 0 ? '' : `${'  '.repeat(depth - 1)}+ `}${member === leader ? print.paint('bold', text) : text}`,
    );
    for (const other of members) if (other !== leader && sourceOf(other) === member.name) add(other, depth + 1);
  };
  if (leader !== undefined) add(leader, 0);
  for (const member of members) add(member, 0);
  return [`Cluster: ${document.scope}`, ...lines].join('\n');
};
