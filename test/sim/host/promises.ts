import type { MemberName } from '../../../src/core/brand.ts';
import type { Effect, Event, Memory, PromiseRound } from '../../../src/core/memory.ts';
import type { PromiseRequest } from '../../../src/core/promise.ts';
import type { World } from '../world.ts';
import type { Host } from './host.ts';

export type SimAnswer = { readonly promised: true } | { readonly promised: false; readonly why: string };

/** The way of a question to another agent and of its answer back; nothing comes back when either is lost. */
export interface Questions {
  readonly put: (
    asking: MemberName,
    asked: MemberName,
    request: PromiseRequest,
    answered: (answer: SimAnswer) => void,
  ) => void;
}

/** Writing a promise to disk takes this long at most. */
const LONGEST_SYNC = 8;

/** What src/agent/promises.ts does. */
export const createPromises = (deps: {
  readonly world: World;
  readonly host: Host;
  readonly memory: () => Memory;
  readonly questions: Questions;
  readonly later: (delay: number, what: () => void) => () => void;
  readonly inProcess: (what: () => void) => void;
  readonly post: (event: Event) => void;
}): {
  readonly ask: (effect: Extract<Effect, { kind: 'ask-promises' }>) => void;
  readonly execute: (effect: Extract<Effect, { kind: 'answer-promise' }>) => void;
  readonly answer: (request: PromiseRequest, reply: (answer: SimAnswer) => void) => void;
} => {
  const { host, world } = deps;
  const open = new Map<number, (answer: SimAnswer) => void>();
  let last = 0;

  return {
    ask: ({ term, ttl, members }) => {
      const at = host.now();
      const answers = new Map<MemberName, SimAnswer>();
      let done = false;
      const complete = (): void => {
        if (done) return;
        done = true;
        const all: PromiseRound['answers'] = new Map(
          members.map(({ name }) => [name, answers.get(name) ?? { promised: false, why: 'did not answer' }]),
        );
        deps.post({ kind: 'promises', round: { term, at, ttl, answers: all } });
      };
      if (members.length === 0) deps.later(0, complete);
      deps.later(deps.memory().settings.timing.callTimeout, complete);
      const request = { from: host.name, instance: deps.memory().instance, term, ttl };
      for (const { name } of members)
        deps.questions.put(host.name, name, request, (answer) =>
          deps.inProcess(() => {
            answers.set(name, answer);
            if (answers.size === members.length) complete();
          }),
        );
    },
    execute: (effect) => {
      const reply = open.get(effect.question);
      open.delete(effect.question);
      if (!effect.promised) return reply?.({ promised: false, why: effect.why });
      deps.later(world.between(0.1, LONGEST_SYNC), () => {
        host.files.promise = { term: effect.term, ttl: effect.ttl };
        reply?.({ promised: true });
      });
    },
    answer: (request, reply) =>
      deps.inProcess(() => {
        last += 1;
        open.set(last, reply);
        deps.post({ kind: 'promise-asked', question: last, request });
      }),
  };
};
