import { ms, parseMemberName, type MemberName } from '../../src/core/brand.ts';
import { remaining } from '../../src/core/instant.ts';
import type { Event, Self } from '../../src/core/memory.ts';
import { DEFAULT_SETTINGS, NO_TAGS, type Settings, type Tags } from '../../src/core/settings.ts';
import { timingForTtl } from '../../src/core/timing.ts';
import { statusOf } from '../../src/agent/status.ts';
import { createAgent, type SimAgent } from './host/agent.ts';
import { answerOf, type Neighbours } from './host/asker.ts';
import { createChecks, type Checks } from './checks/checks.ts';
import { createEtcd, type Etcd } from './etcd.ts';
import { createHost, type Host } from './host/host.ts';
import { createOperate, type Operate } from './database/operations.ts';
import { simPositions } from './database/positions.ts';
import { traceStep, traceTransaction } from './trace.ts';
import type { World } from './world.ts';

export interface Member {
  readonly host: Host;
  readonly self: Self;
  readonly operate: Operate;
  agent: SimAgent | undefined;
}

export interface Plan {
  readonly members: number;
  readonly ttl: number;
  readonly settings?: Partial<Settings>;
  readonly tags?: Readonly<Record<string, Partial<Tags>>>;
}

/** Agents, databases, guards and one etcd, and the hands that faults and operators need. */
export interface Cluster {
  readonly world: World;
  readonly etcd: Etcd;
  readonly checks: Checks;
  readonly members: readonly Member[];
  member(name: string): Member;
  startAgent(member: Member): void;
  killAgent(member: Member): void;
  /** The power goes: agent, guard and database at once. */
  crashHost(member: Member): void;
  bootHost(member: Member): void;
  /** Cuts or mends the network between two hosts, for databases and agents. */
  cut(a: Host, b: Host, gone: boolean): void;
  /** The member that is open for clients, by what its agent would answer to `/primary`. */
  open(): Member | undefined;
  /** Why the cluster is not whole; empty when one member is open and all others stream. */
  unsettled(): readonly string[];
  /** Rule ids that decided, with how often each became the decision. */
  readonly decided: Map<string, number>;
  readonly rulesSeen: Set<string>;
}

const RATE = 0.000_9;
const TICK = 50;

export const createCluster = (world: World, plan: Plan): Cluster => {
  const etcd = createEtcd(world);
  const cuts = new Set<string>();
  const pair = (a: string, b: string): string => [a, b].toSorted().join('|');
  const members: Member[] = [];
  const byName = new Map<MemberName, Member>();
  const decided = new Map<string, number>();
  const rulesSeen = new Set<string>();
  const settings: Settings = { ...DEFAULT_SETTINGS, timing: timingForTtl(ms(plan.ttl)), ...plan.settings };

  const reachable = (from: MemberName, to: MemberName): Host | undefined => {
    const target = byName.get(to)?.host;
    return target?.up === true && !cuts.has(pair(from, to)) ? target : undefined;
  };
  const neighbours: Neighbours = {
    way: () => world.between(1, 10),
    answer: (asking, asked) => {
      const there = byName.get(asked);
      if (reachable(asking, asked) === undefined || there?.agent === undefined || there.agent.frozen())
        return undefined;
      return answerOf(there.agent.memory(), there.host);
    },
  };
  const hosts: Host[] = [];
  const checks = createChecks({ world, etcd, hosts });

  for (let index = 0; index < plan.members; index++) {
    const name = parseMemberName('abcdefg'[index])!;
    const tags: Tags = { ...NO_TAGS, ...plan.tags?.[name] };
    const host = createHost({ world, name, tags, rate: world.between(-RATE, RATE), reachable });
    hosts.push(host);
    const operate = createOperate({
      world,
      host,
      promoted: (generation) => {
        world.note(name, `PRIMARY with generation ${generation}`);
        checks.promoted(host, generation);
      },
      created: (systemId) => checks.created(systemId),
    });
    const self: Self = {
      name,
      agent: '',
      engine: 'sim',
      apiUrl: `http://${name}`,
      host: name,
      port: 1,
      tags,
      version: '1',
      bootstrapSettings: settings,
      bootstrapDocument: { settings },
    };
    const member: Member = { host, self, operate, agent: undefined };
    members.push(member);
    byName.set(name, member);
  }

  const observer = {
    stepped: (host: Host, before: SimMemory, event: Event, after: SimMemory, effects: SimEffects): void => {
      traceStep(world, host.name, before, event, after, effects);
      rulesSeen.add(after.decision.rule);
      for (const effect of effects)
        if (effect.kind === 'decided') decided.set(effect.rule, (decided.get(effect.rule) ?? 0) + 1);
    },
    executed: (host: Host, transaction: SimTransaction, outcome: SimOutcome): void => {
      traceTransaction(world, host.name, transaction, outcome);
      checks.executed(host, transaction, outcome);
    },
  };
  let lives = 0;
  const cluster: Cluster = {
    world,
    etcd,
    checks,
    members,
    decided,
    rulesSeen,
    member: (name) => byName.get(name as MemberName)!,
    startAgent: (member) => {
      if (member.agent !== undefined || !member.host.up) return;
      lives += 1;
      world.note(member.host.name, 'agent starts');
      member.agent = createAgent({
        world,
        etcd,
        host: member.host,
        self: { ...member.self, agent: `agent${lives}` },
        operate: member.operate,
        neighbours,
        observer,
      });
    },
    killAgent: (member) => {
      if (member.agent === undefined) return;
      world.note(member.host.name, 'AGENT KILLED');
      member.agent.kill();
      member.agent = undefined;
    },
    crashHost: (member) => {
      cluster.killAgent(member);
      world.note(member.host.name, 'HOST DOWN');
      member.host.guard.powerOff();
      member.host.killServer(0);
      member.host.up = false;
    },
    bootHost: (member) => {
      if (member.host.up) return;
      world.note(member.host.name, 'host boots');
      member.host.up = true;
      member.host.guard.start();
      cluster.startAgent(member);
    },
    cut: (a, b, gone) => {
      if (gone) cuts.add(pair(a.name, b.name));
      else cuts.delete(pair(a.name, b.name));
    },
    open: () => members.find(isOpen),
    unsettled: () => {
      const primary = members.find(isOpen);
      if (primary === undefined) return ['no member is open for clients'];
      const replicas = members.filter((m) => m !== primary);
      const view = etcd.view();
      return [
        ...replicas.flatMap(({ host }) => {
          const { database } = host;
          return database.server().kind === 'running' && database.streaming()
            ? []
            : [
                `${host.name} does not stream (${database.server().kind}, ${simPositions.describe(database.position())})`,
              ];
        }),
        ...view.intents
          .filter(({ value }) => value.outcome === undefined)
          .map(({ value }) => `the intent ${value.kind} ${value.id} has not ended`),
      ];
    },
  };

  const tick = (): void => {
    for (const { host } of members) {
      if (!host.up) continue;
      const { database } = host;
      const server = database.server();
      if (database.acknowledges() && host.hungFor() === undefined) {
        database.write(world.between(0, 20) | 0);
        checks.acknowledged(host);
      } else if (server.kind === 'running' && server.role === 'replica')
        database.receive(host.reach(database.source())?.database);
    }
    world.at(TICK, tick);
  };
  world.at(0, tick);
  for (const member of members) {
    member.host.guard.start();
    world.at(world.between(0, 300), () => cluster.startAgent(member));
  }
  return cluster;
};

type SimMemory = ReturnType<SimAgent['memory']>;
type SimEffects = Parameters<Parameters<typeof createAgent>[0]['observer']['stepped']>[4];
type SimTransaction = Parameters<Parameters<typeof createAgent>[0]['observer']['executed']>[1];
type SimOutcome = Parameters<Parameters<typeof createAgent>[0]['observer']['executed']>[2];

const isOpen = ({ host, agent }: Member): boolean => {
  if (!host.up || agent === undefined || agent.frozen()) return false;
  const status = statusOf(agent.memory(), simPositions, { cluster: 'sim', agentStartedAt: 0 });
  return (
    status.open &&
    host.database.acknowledges() &&
    status.deadline !== undefined &&
    remaining(status.deadline, host.now()) > 0
  );
};
