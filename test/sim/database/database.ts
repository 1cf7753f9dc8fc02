import { ms } from '../../../src/core/brand.ts';
import type { DatabaseView, Source } from '../../../src/core/database.ts';
import { createCommits, type Commits } from './commits.ts';
import { forkOf, isPartOf, simPosition, type SimPosition } from './positions.ts';

/** What a model database is doing now. Its data survives every end of the server. */
export type Server =
  | { readonly kind: 'empty' }
  | { readonly kind: 'incomplete'; readonly step: 'initialize' | 'clone' | 'rewind' }
  /** `leftovers`: the postmaster is dead, backends are not; those of a primary go on committing and answering. */
  | { readonly kind: 'stopped'; readonly cleanly: boolean; readonly leftovers: number; readonly wasPrimary: boolean }
  | { readonly kind: 'starting' }
  | { readonly kind: 'running'; readonly role: 'primary' | 'replica' }
  /** A primary that takes no writes any more and sends the end of its log. */
  | { readonly kind: 'closing'; readonly role: 'primary' | 'replica' };

/** One database server without time: the host decides when each of these happens. */
export interface SimDatabase {
  server(): Server;
  systemId(): string;
  position(): SimPosition;
  source(): Source | undefined;
  streaming(): boolean;
  rewindable(): boolean;
  view(hungFor: number | undefined): DatabaseView;
  /** It takes writes: clients could get an acknowledgement. */
  acknowledges(): boolean;
  /** It holds a whole copy of the data, whatever its server does. */
  usable(): boolean;
  empty(): void;
  spoil(step: 'initialize' | 'clone' | 'rewind'): void;
  create(systemId: string): void;
  copy(from: SimDatabase): void;
  rewindTo(from: SimDatabase): void;
  begin(source: Source | undefined): void;
  ready(): void;
  close(): void;
  end(cleanly: boolean, leftovers?: number): void;
  promote(generation: number): void;
  checkpoint(): void;
  follow(source: Source | undefined): void;
  write(amount: number): void;
  /** Takes this share of what the source has more. */
  receive(from: SimDatabase | undefined, share: number): void;
  /** What is committed here, and who must acknowledge it. */
  readonly commits: Commits;
}

/** On the way from one place to another of the same log; never before the place where its last generation begins. */
const partOf = (own: SimPosition, source: SimPosition, share: number): SimPosition => {
  const begins = source.path.at(-1)?.[1] ?? 0;
  const from = Math.max(own.at, begins);
  return simPosition(source.path, Math.round(from + (source.at - from) * share));
};

export const createDatabase = (now: () => number): SimDatabase => {
  const commits = createCommits();
  let heardAt: number | undefined;
  let endedAt: number | undefined;
  let server: Server = { kind: 'empty' };
  let systemId = '';
  let position: SimPosition = simPosition([], 0);
  let source: Source | undefined;
  let streaming = false;
  let rewindable = false;
  let pristine = false;

  const generation = (): number => position.path.at(-1)?.[0] ?? 0;
  const serving = (): boolean => server.kind === 'running' || server.kind === 'closing';

  return {
    server: () => server,
    systemId: () => systemId,
    position: () => position,
    source: () => source,
    streaming: () => streaming,
    rewindable: () => rewindable,
    acknowledges: () =>
      (server.kind === 'running' && server.role === 'primary') ||
      (server.kind === 'stopped' && server.leftovers > 0 && server.wasPrimary),
    usable: () => server.kind !== 'empty' && server.kind !== 'incomplete',
    view: (hungFor) => {
      if (hungFor !== undefined && serving())
        return { kind: 'unresponsive', systemId, forMs: ms(hungFor), why: 'no answer' };
      switch (server.kind) {
        case 'empty':
          return { kind: 'empty' };
        case 'incomplete':
          return server;
        case 'stopped':
          return {
            kind: 'stopped',
            systemId,
            cleanly: server.cleanly,
            wasPrimary: false,
            position: server.cleanly ? position : undefined,
            generation: generation(),
            leftovers: server.leftovers,
            ...(pristine ? { pristine } : {}),
          };
        case 'starting':
          return { kind: 'starting', systemId, progress: 'recovering' };
        case 'running':
        case 'closing':
          return {
            kind: 'running',
            systemId,
            role: server.role,
            writable: server.role === 'primary' && server.kind === 'running',
            position,
            generation: generation(),
            source,
            streaming,
            replay:
              server.role === 'replica'
                ? { received: position, applied: position, delayMs: 0, paused: false, blockers: 0 }
                : undefined,
            receiver:
              server.role === 'primary'
                ? undefined
                : {
                    state: streaming ? 'streaming' : source === undefined ? 'none' : 'connecting',
                    heardAgoMs: heardAt === undefined ? undefined : now() - heardAt,
                    endedAgoMs: streaming || endedAt === undefined ? undefined : now() - endedAt,
                  },
            acknowledgement: commits.demand(),
            waitingCommits: commits.waiting(),
            replicas: [...commits.senders()].map(([name, sender]) => ({
              name,
              address: undefined,
              state: 'streaming',
              sync: 'async',
              lag: position.at - sender.flushed,
              flushed: simPosition(position.path, sender.flushed),
              heardAgoMs: now() - sender.heardAt,
            })),
            slots: {},
            pendingRestart: [],
            serverVersion: '1',
            startedAt: 0,
            rewindable,
          };
        default:
          return server satisfies never;
      }
    },
    empty: () => {
      server = { kind: 'empty' };
    },
    spoil: (step) => {
      server = { kind: 'incomplete', step };
    },
    create: (id) => {
      systemId = id;
      position = simPosition([[1, 0]], 10);
      pristine = true;
      server = { kind: 'stopped', cleanly: true, leftovers: 0, wasPrimary: false };
    },
    copy: (from) => {
      systemId = from.systemId();
      position = from.position();
      pristine = false;
      server = { kind: 'stopped', cleanly: true, leftovers: 0, wasPrimary: false };
    },
    rewindTo: (from) => {
      position = forkOf(position, from.position());
      server = { kind: 'stopped', cleanly: true, leftovers: 0, wasPrimary: false };
    },
    begin: (from) => {
      pristine = false;
      source = from;
      streaming = false;
      heardAt = endedAt = undefined;
      commits.begin();
      server = { kind: 'starting' };
    },
    ready: () => {
      server = { kind: 'running', role: 'replica' };
    },
    close: () => {
      if (server.kind !== 'running') return;
      if (server.role === 'primary') position = simPosition(position.path, position.at + 1);
      server = { kind: 'closing', role: server.role };
    },
    end: (cleanly, leftovers = 0) => {
      streaming = false;
      if (leftovers === 0) commits.begin();
      if (server.kind === 'empty' || server.kind === 'incomplete') return;
      const wasPrimary =
        server.kind === 'stopped' ? server.wasPrimary : server.kind !== 'starting' && server.role === 'primary';
      server = { kind: 'stopped', cleanly, leftovers, wasPrimary };
    },
    promote: (next) => {
      position = simPosition([...position.path, [next, position.at]], position.at);
      source = undefined;
      streaming = false;
      rewindable = false;
      commits.begin();
      server = { kind: 'running', role: 'primary' };
    },
    checkpoint: () => {
      rewindable = true;
    },
    follow: (from) => {
      if (streaming) endedAt = now();
      source = from;
      streaming = false;
    },
    write: (amount) => {
      position = simPosition(position.path, position.at + amount);
    },
    receive: (from, share) => {
      const there = from?.server();
      const before = streaming;
      streaming =
        from !== undefined &&
        (there?.kind === 'running' || there?.kind === 'closing') &&
        from.systemId() === systemId &&
        isPartOf(position, from.position());
      if (streaming && from !== undefined) [position, heardAt] = [partOf(position, from.position(), share), now()];
      if (before && !streaming) endedAt = now();
    },
    commits,
  };
};
