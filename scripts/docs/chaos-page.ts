import { faults, faultNames } from '../../chaos/faults/faults.ts';
import type { Fault, Need, Span } from '../../chaos/faults/fault.ts';
import { states } from '../../chaos/faults/states.ts';
import { code, table } from './markdown.ts';

const NEEDS: Readonly<Record<Need, string>> = {
  network: 'hosts with a network of their own',
  volumes: 'hosts with a disk of their own',
  clock: 'clocks that can be stepped',
  archive: 'an archive',
  'etcd-cluster': 'three etcd servers',
  'etcd-quota': 'a small etcd',
  'three-members': 'three members',
  haagentctl: 'our own agents',
};

const spanText = ({ ttls, ms }: Span): string => {
  const parts = [
    ...(ttls === 0 ? [] : [ttls === 1 ? 'ttl' : `${ttls} ttl`]),
    ...(ms === 0 ? [] : [ms % 1_000 === 0 ? `${ms / 1_000} s` : `${ms} ms`]),
  ];
  return parts.join(' + ');
};

const row = (name: string, fault: Fault): readonly string[] => [
  code(name),
  fault.sentence('the primary'),
  fault.lasts === undefined ? '' : spanText(fault.lasts),
  fault.durable?.primary === undefined ? fault.primary : `${fault.primary} (${fault.durable.primary})`,
  fault.durable === undefined
    ? spanText(fault.outage)
    : `${spanText(fault.outage)} (${spanText(fault.durable.outage)})`,
  fault.toleratedOverlapMs === 0 ? 'none' : `${fault.toleratedOverlapMs} ms`,
  fault.needs.map((need) => NEEDS[need]).join(', '),
];

/** How the chaos laboratory is used, with the table of its scenarios. */
export const chaosPage = (): string => `# Chaos laboratory

Real clusters are broken on purpose while clients write, and everything that was acknowledged is compared with what is left.

    npm run chaos -- --scenario kill                           one fault to one cluster
    npm run chaos -- --scenario kill,partition --runs 10       several, again and again
    npm run chaos -- --scenario all --report runs.jsonl        all of them, in less than 45 minutes
    npm run chaos -- --scenario states --ttl 4                 the table of states below, in about 10 minutes
    npm run chaos -- --scenario all --lab container            in containers (Linux, root)

A run starts a cluster of three members, three etcd servers and HAProxy, and uses it for scenario after scenario until one
fails; the next one gets a new cluster. What is going on is printed as it happens, a table at the end. The exit code is 0 when
every run passed. \`--report FILE\` adds a line of JSON for every run; the logs of a run that failed are kept in \`FILE.logs\`.
\`--seed\` chooses what is left to chance: the draws of \`swarm\` and the rhythm of \`flapping\`. \`--ttl\` is 10 s unless set.

In the lab of processes every host is a network namespace on a bridge of the lab, with an ext4 volume of its own and a wall clock
of its own (libfaketime), as root. Without root everything runs on loopback, and scenarios that need more are reported as not run, with
the reason, and never as passed. Containers have networks of their own, and no disks or clocks.

## What clients do meanwhile

| who                     | what                                                                                                                                            |
| ----------------------- | ----------------------------------------------------------------------------------------------------------------------------------------------- |
| writers                 | an insert every 20 ms through HAProxy and straight to each member, on connections that are kept; and every 100 ms to each member on a new one |
| observers               | read from each member every 50 ms what it shows                                                                                                 |
| bank                    | transfers between accounts; the sum is read on every member in single snapshots                                                                 |
| lists                   | serializable transactions that append to lists and read them                                                                                    |
| awkward transactions    | busy for three seconds; idle in a transaction; many rows at once; changes of the schema                                                         |

Every attempt is noted with one monotonic clock, in a process that no fault touches.

## What is checked

- Nothing acknowledged is lost that another member had received; what was lost besides (asynchronous mode) is the end of what
  was acknowledged, and nothing in the middle. In the report, \`lost\` counts both.
- No write is there twice. No former primary acknowledged a write that was sent after the new one had acknowledged.
- All members hold the same rows at the end, in time, without hands: \`settled\`, \`rejoinMs\`.
- Along the log the generation of the rows never decreases. Within one session nothing that was seen vanishes.
- The sum of all accounts is right in every snapshot; the lists show no anomaly that a serializable database would not.
- No acknowledgement was weaker than promised (\`weakAcks\`).
- One agent, guard and database server for each member; every replica has a slot in use, and no other is left; the archive is whole.
- The outage is within the scenario's bound, plus 3 s that a machine may need which runs the whole cluster and its
  clients. On a machine with more than five programs for each processor that want to run, the outage is reported and not judged.

\`rtoDirectMs\` is the longest time without an acknowledged write by any member, \`rtoProxyMs\` the same through HAProxy, both less the
usual time between two. \`load\` is the machine's load average: on a busy machine the times say little.

## Scenarios

*Outage*: the bound for writes straight to the members; in brackets what differs in the modes \`sync\` and \`quorum\`. *Overlap*: for how long a former primary may acknowledge beside the new one.

${table(
  ['scenario', 'what is done', 'lasts', 'primary', 'outage', 'overlap', 'needs'],
  faultNames.map((name) => row(name, faults[name])),
)}

## States

A member is caught in the middle of something by watching its processes and the leader key, and then its agent, its guard or the
database's part (the postmaster, or the program that works on the data) gets SIGKILL (\`kill\`) or SIGSTOP for twice the ttl
(\`freeze\`). A cell is named \`STATE/VICTIM-BLOW\`, for instance \`promotion/agent-kill\`; \`states\` is the whole table. Some cells
run in every \`npm test\` (\`test/e2e/states.test.ts\`).

${table(
  ['state', 'who is struck'],
  Object.entries(states).map(([name, { sentence }]) => [code(name), sentence]),
)}

## A new scenario

One file in \`chaos/faults\` that says what is done, how it is undone and what is expected, and a line in \`chaos/faults/faults.ts\`;
for a state, an entry in \`chaos/faults/states.ts\`. What differs between database engines is asked of \`chaos/engines\`.
`;
