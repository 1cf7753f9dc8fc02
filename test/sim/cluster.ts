import { ms, parseMemberName, type MemberName } from '../../src/core/brand.ts';
import type { Event, Self } from '../../src/core/memory.ts';
import { DEFAULT_SETTINGS, NO_TAGS, type Settings, type Tags } from '../../src/core/settings.ts';
import { timingForTtl } from '../../src/core/timing.ts';
import { createAgent, type SimAgent } from './host/agent.ts';
import { answerOf, type Neighbours } from './host/asker.ts';
import { createChecks, type Checks } from './checks/checks.ts';
import { createEtcd, type Etcd } from './etcd/etcd.ts';
import { createHost, type Host } from './host/host.ts';
import type { Questions } from './host/promises.ts';
import { createOperate, type Operate } from './database/operations.ts';
import { simPosition, simPositions } from './database/positions.ts';
import { traceStep, traceTransaction } from './trace.ts';
import { isOpen, type Answering } from './checks/health.ts';
import { startClients } from './database/clients.ts';
import { isStep, type Step } from './faults/steps.ts';
import { createNetwork, type Network } from './network/network.ts';
import { notePaths } from './paths.ts';
import { NAMES, type Plan } from './plan.ts';
import type { World } from './world.ts';

export interface Member {
  readonly host: Host;
  readonly self: Self;
  readonly operate: Operate;
  agent: SimAgent | undefined;
  /** What a fault does when the agent takes this step, once. */
  atStep: { readonly step: Step; readonly happens: () => void } | undefined;
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
  readonly network: Network;
  /** The times in force. */
  timing(): Settings['timing'];
  /** No fault may begin any more. */
  mended: boolean;
  /** How often a database became primary. */
  promotions(): number;
  /** The whole machine stands still, with its agent, guard and database; and goes on. */
  pauseHost(member: Member, suspended: boolean): void;
  resumeHost(member: Member): void;
  /** The member that is open for clients, by what its agent would answer to `/primary`. */
  open(): Host | undefined;
  /** Asks all members what a load balancer asks. */
  checkHealth(): void;
  /** Why the cluster is not whole; empty when one member is open and all others stream. */
  unsettled(): readonly string[];
  /** Rule ids that decided, with how often each became the decision. */
  readonly decided: Map<string, number>;
  readonly rulesSeen: Set<string>;
}

const RATE = 0.000_9;

export const createCluster = (world: World, plan: Plan, { shapes }: { readonly shapes: boolean }): Cluster => {
  const etcd = createEtcd(world);
  const network = createNetwork();
  const members: Member[] = [];
  const byName = new Map<MemberName, Member>();
  const decided = new Map<string, number>();
  const rulesSeen = new Set<string>();
  const settings: Settings = { ...DEFAULT_SETTINGS, timing: timingForTtl(ms(plan.ttl)), ...plan.settings };

  const reachable = (from: MemberName, to: MemberName): Host | undefined => {
    const target = byName.get(to)?.host;
    return target?.active() === true && network.connected(from, to) ? target : undefined;
  };
  const neighbours: Neighbours = {
    refuses: (asking, asked) => {
      const there = byName.get(asked);
      const kind = there?.host.database.server().kind;
      return reachable(asking, asked) !== undefined && there?.agent === undefined && kind === 'stopped';
    },
    way: () => world.between(1, 10),
    answer: (asking, asked) => {
      const there = byName.get(asked);
      if (reachable(asking, asked) === undefined || there?.agent === undefined || there.agent.frozen())
        return undefined;
      return answerOf({ ...there.agent.memory(), now: there.host.now() });
    },
  };
  let promotions = 0;
  const questions: Questions = {
    put: (asking, asked, request, answered) => {
      if (reachable(asking, asked) === undefined) return;
      world.at(neighbours.way(), () =>
        byName.get(asked)?.agent?.promise(request, (answer) => {
          if (reachable(asked, asking) !== undefined) world.at(neighbours.way(), () => answered(answer));
        }),
      );
    },
  };
  const hosts: Host[] = [];
  const checks = createChecks({ world, etcd, hosts, settings, shapes });

  for (let index = 0; index < plan.members; index++) {
    const name = parseMemberName(NAMES[index])!;
    const tags: Tags = { ...NO_TAGS, ...plan.tags?.[name] };
    const host = createHost({
      world,
      name,
      tags,
      rate: world.between(-RATE, RATE),
      admit: etcd.admit,
      reachable,
      fences: checks.fences,
    });
    hosts.push(host);
    const operate = createOperate({
      world,
      host,
      promoted: (generation) => {
        world.note(name, `PRIMARY with generation ${generation}`);
        promotions += 1;
        checks.promoted(host, generation);
      },
      acknowledged: (until) => checks.acknowledged(host, simPosition(host.database.position().path, until), false),
      destroys: () => checks.destroys(host),
      initializes: () => checks.initializes(host),
      fences: () => checks.fences(host),
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
    const member: Member = { host, self, operate, agent: undefined, atStep: undefined };
    members.push(member);
    byName.set(name, member);
  }

  const observer = {
    stepped: (host: Host, before: SimMemory, event: Event, after: SimMemory, effects: SimEffects): void => {
      traceStep(world, host.name, before, event, after, effects);
      checks.stepped(host, before, after);
      notePaths(world, before, event, after);
      noticeStep(byName.get(host.name)!, after, effects);
      rulesSeen.add(after.decision.rule);
      for (const effect of effects)
        if (effect.kind === 'decided') decided.set(effect.rule, (decided.get(effect.rule) ?? 0) + 1);
    },
    goesOn: (host: Host): void => checks.health(answering(host)),
    executed: (host: Host, transaction: SimTransaction, outcome: SimOutcome): void => {
      traceTransaction(world, host.name, transaction, outcome);
      checks.executed(host, transaction, outcome);
    },
  };
  /** Whose agents would answer a load balancer now. */
  const answering = (goesOn?: Host): readonly Answering[] =>
    members.flatMap(({ host, agent }) =>
      agent === undefined || !host.active() || (agent.frozen() && host !== goesOn)
        ? []
        : [{ host, memory: agent.memory() }],
    );
  const noticeStep = (member: Member, { flights }: SimMemory, effects: SimEffects): void => {
    const { atStep } = member;
    const purposeOf = (flight: number): Step | undefined => flights.find(({ id }) => id === flight)?.purpose.kind;
    if (atStep === undefined || !effects.some((effect) => isStep(effect, atStep.step, purposeOf))) return;
    member.atStep = undefined;
    world.at(0, atStep.happens);
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
        questions,
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
      member.host.resume();
      member.host.guard.powerOff();
      if (member.host.disk === 'stuck') member.host.setDisk('good');
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
    promotions: () => promotions,
    network,
    timing: () => (etcd.view().settings?.value ?? settings).timing,
    mended: false,
    pauseHost: (member, suspended) => {
      if (!member.host.active()) return;
      world.note(member.host.name, `HOST STANDS STILL${suspended ? ' (suspended)' : ''}`);
      member.host.pause(suspended);
      member.agent?.freeze();
    },
    resumeHost: (member) => {
      if (member.host.active() || !member.host.up) return;
      world.note(member.host.name, 'host goes on');
      member.host.resume();
      const { agent } = member;
      world.at(world.between(0, 30), () => agent?.thaw());
    },
    open: () => answering().find(isOpen)?.host,
    checkHealth: () => checks.health(answering()),
    unsettled: () => {
      const primary = cluster.open();
      if (primary === undefined) return ['no member is open for clients'];
      const replicas = members.filter(({ host }) => host !== primary);
      const view = etcd.view();
      if (view.leader?.value !== primary.name) return [`${primary.name} is open and does not hold the leader key`];
      return [
        ...replicas.flatMap(({ host }) => {
          const { database } = host;
          return database.server().kind === 'running' && database.streaming()
            ? []
            : [
                `${host.name} does not stream (${database.server().kind}, ${simPositions.describe(database.position())})`,
              ];
        }),
        ...members
          .filter(({ host }) => !view.members.has(host.name))
          .map(({ host }) => `${host.name} has not published itself again`),
        ...view.intents
          .filter(({ value }) => value.outcome === undefined)
          .map(({ value }) => `the intent ${value.kind} ${value.id} has not ended`),
      ];
    },
  };

  startClients(world, hosts, checks);
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
