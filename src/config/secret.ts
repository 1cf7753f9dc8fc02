import { inspect } from 'node:util';

/** A password or key. Whatever prints it by accident (JSON, a log, string templates, the inspector) gets `***`. */
export interface Secret {
  /** The text itself; only for whoever hands it to a server. */
  reveal(): string;
  toJSON(): string;
  toString(): string;
  [inspect.custom](): string;
}

const hidden = (): string => '***';

export const secret = (text: string): Secret =>
  Object.freeze({ reveal: () => text, toJSON: hidden, toString: hidden, [inspect.custom]: hidden });
