import type { PositionAlgebra } from '../core/position.ts';
import type { AgentStatus } from '../core/status.ts';
import type { Clock } from '../ports/clock.ts';
import { toJson } from './json.ts';
import { patroniDocument, type Moment } from './patroni-document.ts';
import { statusDocument } from './status-document.ts';

/** The texts that answers are made of, each written once for a status however often it is asked for. */
export interface Rendered {
  readonly patroni: Buffer;
  /** Without the closing brace: the route adds what depends on the moment of asking. */
  readonly status: () => string;
}

/** Returns the renderer. A status is immutable and replaced as a whole, so its identity is the cache's key. */
export const createRenderer = (clock: Clock, positions: PositionAlgebra): ((status: AgentStatus) => Rendered) => {
  const cache = new WeakMap<AgentStatus, Rendered>();
  return (status) => {
    const hit = cache.get(status);
    if (hit !== undefined) return hit;
    const moment: Moment = { now: clock.now(), wall: clock.wall() };
    const rendered: Rendered = {
      patroni: Buffer.from(toJson(patroniDocument(status, positions, moment))),
      status: once(() => toJson(statusDocument(status, positions, moment)).slice(0, -1)),
    };
    cache.set(status, rendered);
    return rendered;
  };
};

const once = <T>(make: () => T): (() => T) => {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
};
