import { fileURLToPath } from 'node:url';
import type { Lab, MemberView } from '../lab/lab.ts';

const CTL = fileURLToPath(new URL('../../dist/bin/haagentctl.js', import.meta.url));

const table = (rows: readonly (readonly string[])[]): string => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
};

const pid = (value: number | undefined): string => (value === undefined ? 'none' : String(value));

/** The members of the cluster as a table. */
export const drawTopology = (lab: Lab, views: readonly MemberView[]): string => {
  const rows = views.map((view) => {
    const { host, port, apiUrl } = lab.member(view.name);
    const processes = `agent ${pid(view.pids.agent)}  guard ${pid(view.pids.guard)}  postmaster ${pid(view.pids.postmaster)}`;
    return [
      `${view.open ? '*' : ' '} ${view.name}`,
      view.role,
      view.state,
      String(view.timeline ?? ''),
      `${host}:${port}`,
      apiUrl,
      processes,
    ];
  });
  const open = views.filter((view) => view.open).map((view) => view.name);
  const heading = open.length === 0 ? 'no primary just now' : `writes go to ${open.join(' and ')}`;
  return [
    `cluster ${lab.cluster}: ${heading}`,
    table([['  member', 'role', 'state', 'timeline', 'database', 'api', 'processes'], ...rows]),
    '',
  ].join('\n');
};

/** Commands that can be copied into another terminal, made for the cluster as it is now. */
export const howToBreakIt = (lab: Lab, views: readonly MemberView[]): string => {
  const primary = views.find((view) => view.open) ?? views[0];
  if (primary === undefined) return '';
  const { agent, guard, postmaster } = primary.pids;
  const { user, password } = lab.superuser;
  const psql = `PGPASSWORD=${password} psql -h 127.0.0.1 -U ${user} postgres`;
  const ctl = `${process.execPath} ${CTL} --config ${lab.member(primary.name).configFile}`;
  const rows: readonly (readonly string[])[] = [
    ['crash the database of the primary', `kill -9 ${pid(postmaster)}`],
    ['crash its agent: nothing happens', `kill -9 ${pid(agent)}`],
    ['hang its agent: the guard fences', `kill -STOP ${pid(agent)}; sleep 15; kill -CONT ${pid(agent)}`],
    ['lose the host: agent, guard, database', `kill -9 ${pid(agent)} ${pid(guard)} ${pid(postmaster)}`],
    ['hand over on purpose', `${ctl} switchover --yes`],
    ['what the agents see', `${ctl} list`],
    ...(lab.proxy === undefined
      ? []
      : [
          ['write through HAProxy', `${psql} -p ${lab.proxy.primaryPort}`],
          ['read from a replica', `${psql} -p ${lab.proxy.replicaPort}`],
          ['statistics of HAProxy', `http://127.0.0.1:${lab.proxy.statsPort}/`],
        ]),
    ['logs', `tail -f ${lab.member(primary.name).logFile}`],
  ];
  return `In another terminal:\n${table(rows.map(([what = '', how = '']) => [`  ${what}`, how]))}\nCtrl-C ends and removes everything.`;
};
