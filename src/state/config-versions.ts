import type { ClusterView, ConfigVersion, SettingsDocument } from '../core/model.ts';
import { documentDifference } from './document-difference.ts';

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
      return { ...version, changes: known ? documentDifference(before ?? {}, version.document) : [] };
    });
};
