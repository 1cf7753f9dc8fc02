import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { Ms, Term } from '../core/brand.ts';
import type { Instant } from '../core/instant.ts';
import { encodeLine, parseArmed, parseInstant, parseObject, parseTerm } from '../adapters/os/guard-protocol.ts';
import type { Armed, GuardModel } from './state.ts';

/**
 * What a guard must remember over its own end: the deadline, so that its successor fences at the same moment. Meant for a
 * run-time folder (memory): never synced to a disk that may hang, worth nothing after a boot.
 */
export interface StateFile {
  /** Replaces the file. Where that fails, the old one is removed: no deadline at all is the safe thing to find. */
  save(model: GuardModel, now: Instant): void;
  /** What a predecessor of this boot with the same token left; `problem` says why there is nothing. */
  load(now: Instant): { readonly saved: Saved } | { readonly saved: undefined; readonly problem: string };
  remove(): void;
}

export interface Saved {
  readonly newest: Term | undefined;
  readonly armed: Armed | undefined;
  readonly stoodDown: boolean;
}

export const createStateFile = ({
  path,
  bootId,
  token,
  fenceBudget,
}: {
  readonly path: string;
  readonly bootId: string;
  readonly token: string;
  readonly fenceBudget: Ms;
}): StateFile => {
  const remove = (): void => rmSync(path, { force: true });

  const parse = (text: string, now: Instant): Saved | string => {
    const raw = parseObject(text);
    if (raw === undefined || raw['v'] !== 1) return 'it cannot be understood';
    if (raw['bootId'] !== bootId) return 'it is of another boot';
    if (raw['token'] !== token) return 'it belongs to another cluster or member';
    // A container that was started anew may keep the boot id while its clocks begin again.
    const at = parseInstant(raw['at']);
    if (at === undefined || at.mono > now.mono || at.boot > now.boot) return 'it was written in the future';
    const armed = parseArmed(raw['armed']);
    if (raw['armed'] !== undefined && armed === undefined) return 'its deadline cannot be understood';
    return {
      newest: parseTerm(raw['newest']),
      armed: armed === undefined ? undefined : { ...armed, fenceBudget: armed.fenceBudget ?? fenceBudget },
      stoodDown: raw['stoodDown'] === true,
    };
  };

  return {
    save: ({ newest, armed, phase }, now) => {
      const state = { v: 1, bootId, token, at: now, newest, armed, stoodDown: phase === 'stood-down' };
      try {
        writeFileSync(`${path}.new`, encodeLine(state), { mode: 0o600 });
        renameSync(`${path}.new`, path);
      } catch {
        remove();
      }
    },
    load: (now) => {
      try {
        const saved = parse(readFileSync(path, 'utf8'), now);
        return typeof saved === 'string' ? { saved: undefined, problem: saved } : { saved };
      } catch (error) {
        return { saved: undefined, problem: error instanceof Error ? error.message : String(error) };
      }
    },
    remove,
  };
};
