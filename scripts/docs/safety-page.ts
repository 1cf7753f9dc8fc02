import { HEARD_WITHIN } from '../../src/core/reign.ts';
import { DEFAULT_SETTINGS } from '../../src/core/settings.ts';
import { closedAfter, DEFAULT_TIMING, rightOf, silenceFor } from '../../src/core/timing.ts';
import { ruleFlow } from './mermaid.ts';

const seconds = (milliseconds: number): string => `${Math.round(milliseconds / 10) / 100} s`;

const { ttl, drift, fenceBudget, heartbeatInterval } = DEFAULT_TIMING;
const right = rightOf(DEFAULT_TIMING);

/** When what happens to a primary that can prove itself no more, counted from its last proof, and to whoever replaces it. */
const timeline = (): string =>
  [
    '```mermaid',
    'timeline',
    `  title Asynchronous mode, ttl ${seconds(ttl)}: from the last heartbeat that etcd confirmed`,
    '  section The primary',
    `    ${seconds(heartbeatInterval)} : the next heartbeat is due`,
    `    ${seconds(right - fenceBudget)} : its guard begins to fence`,
    `    ${seconds(right)} : no process of the database is left`,
    '  section The others',
    `    ${seconds(silenceFor(ttl, drift))} : the silence is complete, one of them may lead`,
    '```',
  ].join('\n');

/** For a database administrator: what is promised, what is not, and by which decisions. */
export const safetyPage = (): string => `# What is promised, and what is not

Three things can go wrong when a primary is replaced: two primaries acknowledge writes, an acknowledged write is lost, or a client reads
what is not true any more. This page says for each mode of \`replication.mode\` which of them can happen, and why. The diagrams are made from the
[rules](reference/rules.md) that decide; their ids stand in the log, and \`haagentctl why\` prints the one that decided last.

## In one table

| | \`async\` | \`quorum\` or \`sync\` | the same with \`strict\` |
| --- | --- | --- | --- |
| two primaries acknowledge | not by any crash, kill, hang of a program, or cut of the network; for milliseconds after a whole host was stopped and goes on | never while anything is promised: the old one lacks its voters | never |
| acknowledged writes lost | what no replica had received; at most \`max_lag_on_failover\`, and reported | none while a voter is left; then as in \`async\` | none |
| without any replica | writes go on | writes go on after a second, and the status says so | writes wait, \`/primary\` is 503 |
| stale reads on an old primary | until it is fenced: at most ${seconds(right)} after its last proof | the same | the same |
| a host is lost: the next one leads after | its ttl (${seconds(ttl)}) | \`suspect_after\` (${seconds(DEFAULT_SETTINGS.replication.suspectAfter)}) and an election: nobody waits for the ttl | the same |

_Acknowledged_ means that the client was told of the commit. What was not acknowledged may be there or not: a connection that broke during
a commit says nothing, in any mode, and a commit that waits for voters survives a failover or does not.

## A primary that cannot prove itself

A primary has a right for ${seconds(right)} from just before its last heartbeat was sent, by clocks that nobody sets. A second process, the
guard, ends the whole server when that time is over, whatever the agent does. Only after ${seconds(silenceFor(ttl, drift))} of silence another member may lead.

${timeline()}

${ruleFlow([
  ['safety.fence-without-right', 'safety.tell-fenced', 'the server is gone'],
  ['safety.tell-fenced', 'member.rejoin-stopped'],
])}

- **Stale reads.** Until it is fenced, a primary that is cut off from everybody but its clients answers them, though another may already lead (in the
  modes \`sync\` and \`quorum\` within a few seconds). It acknowledges no write there, but it answers reads with what was true before.
  Load balancers are told 503 when its right ends, and in those modes as soon as its heartbeat is ${seconds(closedAfter(ttl))} old and it has not heard enough of its
  voters for ${seconds(HEARD_WITHIN)}; a session that is connected past them is told nothing. Read through the load balancer where that matters, or write in the same transaction.
- **A hypervisor that stops a host.** Agent, guard and database stop together. When they go on, the guard reads the clocks before anything
  else and fences, but a session of the database may run for some milliseconds before it. In the asynchronous mode it can acknowledge a write in that
  time, which is lost. In the other modes it cannot: its voters receive nothing from it any more.
- **No guard, no watchdog.** Without the guard an agent demotes itself within seconds. If agent and guard are both killed, and are not started again, nothing ends
  an asynchronous primary: use the watchdog.

## A lost leader in the asynchronous mode

${ruleFlow([
  ['election.prepare', 'election.wait-silence', 'its key is gone'],
  ['election.wait-silence', 'election.ask', 'the silence is complete, or it said that it is fenced'],
  ['election.ask', 'election.give-way', 'another one has more'],
  ['election.ask', 'election.cannot-stand', 'this one lacks too much'],
  ['election.ask', 'election.stand'],
  ['election.stand', 'leader.wait-guard'],
  ['leader.wait-guard', 'leader.promote'],
  ['leader.promote', 'leader.barrier'],
  ['leader.barrier', 'leader.steady'],
])}

What can be lost is the end of what was acknowledged and nothing in its middle. The history says how much, and the member that had it keeps it
(\`database.tail_dropped\`).

## A lost leader in the modes quorum and sync

Each commit waits until ${DEFAULT_SETTINGS.replication.acks} (\`replication.acks\`) of the voters have it on their disks. A member leads only when so many voters have stopped
receiving, for good and with proof, that every acknowledged write is on one of them, and none of them has more than it.

${ruleFlow([
  ['pledge.stop-receiving', 'pledge.give', 'no receiver is left'],
  ['pledge.give', 'election.by-pledges-wait', 'too few yet'],
  ['pledge.give', 'election.by-pledges'],
  ['election.by-pledges-wait', 'election.by-pledges', 'enough'],
  ['election.by-pledges', 'leader.prepare-demand'],
  ['leader.prepare-demand', 'leader.promote'],
  ['leader.promote', 'leader.barrier'],
  ['leader.barrier', 'leader.kept-closed', 'the old one may not know yet'],
  ['leader.barrier', 'leader.steady'],
  ['leader.kept-closed', 'leader.steady'],
  ['pledge.give', 'pledge.withdraw', 'the leader lives after all'],
])}

It begins when the leader said that it is fenced, when it was silent for its whole right, or when it is suspected: two members at least have heard nothing of its database
and its agent for ${seconds(DEFAULT_SETTINGS.replication.suspectAfter)} (\`replication.suspect_after\`), or its host answers and refuses both.

What is **not** covered in these modes:

- Without \`strict\`: what is acknowledged while no voter is left. \`haagentctl list\` says so.
- A commit whose wait was cancelled: the server warns the client, and the agent counts it.
- A session with \`synchronous_commit\` below \`on\`. \`strict\` sets it to \`on\` where a file says less; a role or a session may still lower it.
- \`haagentctl failover --allow-data-loss\`, which says what it does. Unlogged tables. Damage to the disks of all who had a write.

## When the voters change

What etcd promises of the voters is never more than what the database demands, at any single step. The order is decided by these rules:

${ruleFlow([
  ['leader.demand', 'leader.publish-promise', 'proven, and what is older is kept by the new voters'],
  ['leader.publish-promise', 'leader.demand', 'one step further'],
  ['leader.publish-promise', 'leader.steady', 'done'],
  ['member.leave-voters', 'leader.demand', 'seen by the leader'],
])}

## A switchover

${ruleFlow([
  ['leader.change-asked', 'handover.checkpoint'],
  ['handover.checkpoint', 'handover.stop'],
  ['handover.stop', 'handover.catch-up'],
  ['handover.catch-up', 'handover.move-key', 'the candidate has the end of the log'],
  ['handover.catch-up', 'handover.failed', 'it does not come to it in time'],
  ['handover.move-key', 'leader.promote'],
])}

Nothing that was acknowledged is lost in any mode: the old primary is stopped, and the new one has its whole log before it gets the key.

## The watchdog

The guard is a process, and a kernel that hangs, or an operator who kills it, stops it as well. A watchdog of the machine resets the host then. The guard opens
it with the first heartbeat of a leadership, pings it with each further one, and lets it go where nothing runs that it would have to stop. So it bites when for its
own timeout neither etcd nor the promises of all others confirmed the leadership: that must be longer than the time between two heartbeats and shorter than the ttl.

    modprobe softdog soft_margin=8          # where the machine has no watchdog of its own; 8 s for a ttl of ${ttl / 1_000} s
    echo softdog > /etc/modules-load.d/softdog.conf
    echo 'options softdog soft_margin=8' > /etc/modprobe.d/softdog.conf
    echo 'KERNEL=="watchdog", OWNER="haagent", MODE="0600"' > /etc/udev/rules.d/61-watchdog.rules   # not needed for root

    watchdog:
      mode: required          # no leadership without it; automatic: used where it is there

A module that was loaded with \`nowayout=1\` resets the host even after a clean end of a leadership; the guard's log says so. softdog lives in the kernel that it watches: it covers
what stops programs, not a kernel that is stuck with interrupts off, nor a hypervisor that stops the whole machine. A real device covers the first; the second is
covered by the modes \`quorum\` and \`sync\`.
`;
