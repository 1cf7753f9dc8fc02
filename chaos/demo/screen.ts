import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CTL } from '../lab/ctl.ts';
import type { Lab, MemberView, Part } from '../lab/lab.ts';
import { table } from '../table.ts';

const pid = (lab: Lab, name: string, part: Part): string => String(lab.processes(name, part)[0]?.pid ?? 'none');

/** The members of the cluster as a table. */
export const drawTopology = (lab: Lab, views: readonly MemberView[]): string => {
  const rows = views.map((view) => {
    const { host, port, apiUrl } = lab.member(view.name);
    const processes = (['agent', 'guard', 'postmaster'] as const)
      .map((part) => `${part} ${pid(lab, view.name, part)}`)
      .join('  ');
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
    table(['  member', 'role', 'state', 'timeline', 'database', 'api', 'processes'], rows),
    '',
  ].join('\n');
};

/** Puts a short haagentctl into the lab's directory that needs neither PATH nor options. */
export const writeCtl = (lab: Lab): void => {
  const [member] = lab.members;
  if (member === undefined) return;
  const script = `#!/bin/sh\nexec '${process.execPath}' '${CTL}' --config '${member.configFile}' "$@"\n`;
  writeFileSync(join(lab.dir, 'haagentctl'), script, { mode: 0o755 });
};

/** Commands that can be copied into another terminal, made for the cluster as it is now. */
export const howToBreakIt = (lab: Lab, views: readonly MemberView[]): string => {
  const primary = views.find((view) => view.open) ?? views[0];
  if (primary === undefined) return '';
  const agent = pid(lab, primary.name, 'agent');
  const guard = pid(lab, primary.name, 'guard');
  const postmaster = pid(lab, primary.name, 'postmaster');
  const { user, password } = lab.superuser;
  const psql = `PGPASSWORD=${password} psql -h 127.0.0.1 -U ${user} postgres`;
  const ctl = join(lab.dir, 'haagentctl');
  const rows: readonly (readonly string[])[] = [
    ['crash the database of the primary', `kill -9 ${postmaster}`],
    ['crash its agent: nothing happens', `kill -9 ${agent}`],
    ['hang its agent: the guard fences', `kill -STOP ${agent}; sleep 15; kill -CONT ${agent}`],
    ['lose agent, guard and postmaster at once', `kill -9 ${agent} ${guard} ${postmaster}`],
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
  const commands = table(
    ['In another terminal', ''],
    rows.map(([what = '', how]) => [`  ${what}`, how]),
  );
  return `${commands}\nCtrl-C ends and removes everything.`;
};
