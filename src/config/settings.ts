import type { SettingsDocument } from '../core/model.ts';
import { DEFAULT_SETTINGS, type Settings } from '../core/settings.ts';
import { DEFAULT_TIMING, timingFaults, timingForTtl, type Timing } from '../core/timing.ts';
import { faultAt, faultsOf, type Fault, type Result } from './faults.ts';
import { OTHER_SETTING_NAMES, settingsSchema, type WrittenSettings } from './settings-schema.ts';

/**
 * Compiles a dynamic configuration as it was written into the one form that the program uses: defaults filled in, times
 * in milliseconds, timing inequalities checked. Gives every fault at once; never throws.
 */
export const compileSettings = (document: unknown): Result<Settings> => {
  const read = settingsSchema.safeParse(document);
  if (!read.success)
    return { kind: 'faults', faults: faultsOf(read.error, document, settingsSchema, OTHER_SETTING_NAMES) };
  const settings = settingsOf(read.data);
  const faults = [...timingFaultsOf(settings.timing), ...durabilityFaults(settings)];
  return faults.length > 0 ? { kind: 'faults', faults } : { kind: 'ok', value: settings };
};

const settingsOf = (written: WrittenSettings): Settings => ({
  timing: timingOf(written),
  replication: {
    mode: written.replication?.mode ?? DEFAULT_SETTINGS.replication.mode,
    acks: written.replication?.acks ?? DEFAULT_SETTINGS.replication.acks,
    strict: written.replication?.strict ?? DEFAULT_SETTINGS.replication.strict,
    maxLagOnFailover: written.replication?.max_lag_on_failover ?? DEFAULT_SETTINGS.replication.maxLagOnFailover,
    maxLagOnVoter: written.replication?.max_lag_on_voter ?? DEFAULT_SETTINGS.replication.maxLagOnVoter,
    suspectAfter: written.replication?.suspect_after ?? DEFAULT_SETTINGS.replication.suspectAfter,
  },
  onCrash: written.on_crash ?? DEFAULT_SETTINGS.onCrash,
  crashRestartTimeout: written.crash_restart_timeout ?? DEFAULT_SETTINGS.crashRestartTimeout,
  failsafe: written.failsafe ?? DEFAULT_SETTINGS.failsafe,
  pause: written.pause ?? DEFAULT_SETTINGS.pause,
  slotRetention: written.slot_retention ?? DEFAULT_SETTINGS.slotRetention,
  parameters: written.parameters ?? {},
  accessRules: written.access_rules ?? [],
  slots: Object.fromEntries(
    Object.entries(written.slots ?? {}).map(([name, { type, database, plugin }]) => [
      name,
      { type, ...(database === undefined ? {} : { database }), ...(plugin === undefined ? {} : { plugin }) },
    ]),
  ),
});

/** The times follow a smaller ttl in proportion; what is set explicitly stands as it is. */
const timingOf = (written: WrittenSettings): Timing => {
  const scaled = timingForTtl(written.ttl ?? DEFAULT_TIMING.ttl);
  return {
    ttl: scaled.ttl,
    heartbeatInterval: written.timing?.heartbeat_interval ?? scaled.heartbeatInterval,
    callTimeout: written.timing?.call_timeout ?? scaled.callTimeout,
    fenceBudget: written.timing?.fence_budget ?? scaled.fenceBudget,
    margin: written.timing?.margin ?? scaled.margin,
    drift: written.timing?.drift ?? scaled.drift,
  };
};

const timingFaultsOf = (timing: Timing): readonly Fault[] =>
  timingFaults(timing).map((sentence) =>
    faultAt(['timing'], `times that do not fit together: ${sentence}`, 'a larger ttl or shorter times'),
  );

/** An acknowledgement that is not on the replica's disk proves nothing after a power loss (C2). */
const durabilityFaults = (settings: Settings): readonly Fault[] => {
  const level = settings.parameters['synchronous_commit'];
  if (!settings.replication.strict || level === undefined || level === 'on' || level === 'remote_apply') return [];
  return [
    faultAt(
      ['parameters', 'synchronous_commit'],
      JSON.stringify(level),
      'on or remote_apply besides replication.strict: a weaker level could lose acknowledged writes',
    ),
  ];
};

const isSection = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const merged = (document: unknown, patch: unknown): unknown => {
  if (!isSection(patch)) return patch;
  const result = new Map(isSection(document) ? Object.entries(document) : []);
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) result.delete(name);
    else result.set(name, merged(result.get(name), value));
  }
  return Object.fromEntries(result);
};

/**
 * A dynamic configuration changed by a merge patch (RFC 7396: sections are merged, `null` deletes, everything else
 * replaces). Pure; the result is to be compiled before it is written.
 */
export const patchSettings = (document: SettingsDocument, patch: SettingsDocument): SettingsDocument => {
  const result = merged(document, patch);
  return isSection(result) ? result : {};
};

/** One setting that differs between two documents; `undefined` means that it is not set there. */
export interface SettingsChange {
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** What changed from one document to another, setting by setting, in the order of their names. */
export const settingsDiff = (before: SettingsDocument, after: SettingsDocument): readonly SettingsChange[] => {
  const [old, young] = [leaves(before), leaves(after)];
  return [...new Set([...old.keys(), ...young.keys()])]
    .sort()
    .filter((path) => JSON.stringify(old.get(path)) !== JSON.stringify(young.get(path)))
    .map((path) => ({ path, before: old.get(path), after: young.get(path) }));
};

const leaves = (value: unknown, path = ''): ReadonlyMap<string, unknown> => {
  if (!isSection(value)) return new Map([[path, value]]);
  return new Map(
    Object.entries(value).flatMap(([name, child]) => [...leaves(child, path === '' ? name : `${path}.${name}`)]),
  );
};
