import type { Effect, Event, PromiseRound } from '../core/memory.ts';
import { ms } from '../core/brand.ts';
import type { Memory } from '../core/memory.ts';
import type { PromiseRequest } from '../core/promise.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Peers } from '../ports/peers.ts';
import type { PromiseFile } from './promise-file.ts';

/** What a leader that asks for a promise is told. */
export type PromiseAnswer = { readonly promised: true } | { readonly promised: false; readonly why: string };

/** Passes a leader's questions to the core and its answers back, and the core's own questions to the others (rule D15). */
export interface Promises {
  /** A leader asks. Ends when the core has answered and a promise is on disk. */
  answer(request: PromiseRequest): Promise<PromiseAnswer>;
  execute(effect: Extract<Effect, { kind: 'answer-promise' }>): Promise<void>;
  ask(effect: Extract<Effect, { kind: 'ask-promises' }>): Promise<void>;
  close(): void;
}

export const createPromises = (deps: {
  readonly peers: Peers;
  readonly file: PromiseFile;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly memory: () => Memory;
  readonly post: (event: Event) => void;
}): Promises => {
  const open = new Map<number, (answer: PromiseAnswer) => void>();
  let last = 0;

  const reply = (question: number, answer: PromiseAnswer): void => {
    open.get(question)?.(answer);
    open.delete(question);
  };

  return {
    answer: async (request) =>
      new Promise((resolve) => {
        last += 1;
        open.set(last, resolve);
        deps.post({ kind: 'promise-asked', question: last, request });
      }),
    execute: async (effect) => {
      if (!effect.promised) return reply(effect.question, { promised: false, why: effect.why });
      try {
        await deps.file.keep({ term: effect.term, ttl: effect.ttl });
      } catch (error) {
        const why = `the promise could not be kept on disk: ${error instanceof Error ? error.message : String(error)}`;
        deps.log.warn('promise.not-kept', why, { err: error });
        return reply(effect.question, { promised: false, why });
      }
      reply(effect.question, { promised: true });
    },
    ask: async ({ term, ttl, members }) => {
      const { self, instance, settings } = deps.memory();
      const at = deps.clock.now();
      const answers: PromiseRound['answers'] = await deps.peers.askPromises(
        members.map(({ name, apiUrl }) => ({ name, url: apiUrl })),
        { from: self.name, instance, term, ttl },
        { timeout: ms(settings.timing.callTimeout), signal: deps.signal },
      );
      deps.post({ kind: 'promises', round: { term, at, ttl, answers } });
    },
    close: () => {
      for (const question of open.keys()) reply(question, { promised: false, why: 'the agent is closing' });
    },
  };
};
