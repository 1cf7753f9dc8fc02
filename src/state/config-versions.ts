import type { ClusterView, ConfigVersion, SettingsDocument } from '../core/model.ts';
import { settingsDiff } from '../config/settings.ts';

/** A kept version of the dynamic configuration, with what it changed of the one before. */
export interface ConfigChange extends ConfigVersion {
  /** One line each: `replication.mode: "async" -> "sync"`. */
  readonly changes: readonly string[];
}

/** The dynamic configuration in force, as it was written; empty when nobody wrote one. */
export const documentInForce = (view: ClusterView): SettingsDocument => view.configuration?.value.document ?? {};

/** All kept versions, newest first. */
export const configChanges = (view: ClusterView): readonly ConfigChange[] => {
  const versions = new Map([...view.configVersions].map(([number, { value }]) => [number, value]));
  const current = view.configuration?.value;
  if (current !== undefined) versions.set(current.number, current);
  return [...versions.values()]
    .sort((a, b) => b.number - a.number)
    .map((version) => {
      const before = versions.get(version.number - 1)?.document;
      const known = before !== undefined || version.number === 1;
      return { ...version, changes: known ? changeLines(before ?? {}, version.document) : [] };
    });
};

/** What differs between two documents, a line for each setting: `ttl: "10s" -> "20s"`, `+ pause: true`, `- slots.a.type: …`. */
export const changeLines = (before: SettingsDocument, after: SettingsDocument): readonly string[] =>
  settingsDiff(before, after).map((change) => {
    if (change.before === undefined) return `+ ${change.path}: ${JSON.stringify(change.after)}`;
    if (change.after === undefined) return `- ${change.path}: ${JSON.stringify(change.before)}`;
    return `${change.path}: ${JSON.stringify(change.before)} -> ${JSON.stringify(change.after)}`;
  });
