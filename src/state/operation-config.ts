import { compileSettings, patchSettings } from '../config/settings.ts';
import { faultLines } from '../config/faults.ts';
import { acknowledgementFaults } from '../config/limits.ts';
import { NEVER, type Revision } from '../core/brand.ts';
import type { ClusterView, ConfigVersion, SettingsDocument } from '../core/model.ts';
import type { StateTransaction, StateWrite } from '../core/transaction.ts';
import type { RangeResult } from '../ports/consensus.ts';
import type { OperationResult } from '../ports/operations.ts';
import { changeLines } from './config-versions.ts';
import { storeRefusal, type Keys } from './operation-read.ts';

/** Versions of the configuration that are kept (invariant I17: nothing grows without limit). */
const KEPT_VERSIONS = 50;
const ATTEMPTS = 5;

export interface ConfigEdit {
  readonly how: 'patch' | 'replace';
  readonly document: SettingsDocument;
}

/**
 * Changes the dynamic configuration by compare-and-swap on its mod revision, after the whole new document was compiled.
 * A patch is applied again to what somebody else wrote meanwhile; a replacement too, since it does not depend on it.
 * `configKey` is the absolute key of the configuration, for the case that what it holds cannot be understood.
 */
export const changeConfiguration = async (
  keys: Keys,
  edit: ConfigEdit,
  who: { readonly by: string; readonly wall: number; readonly dryRun: boolean; readonly configKey: string },
): Promise<OperationResult> => {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const read = await keys.read();
    if (read.kind === 'no') return read.refused;
    const { view, range } = read;
    if (view.configuration === undefined && view.unreadable.has('config') && edit.how === 'patch')
      return {
        kind: 'refused',
        code: 'failed',
        message: 'The configuration in etcd cannot be understood, so it cannot be changed in part.',
        hint: 'Replace it as a whole: haagentctl config edit --replace FILE.',
        details: view.problems.filter((problem) => problem.startsWith('config')),
      };
    const before = view.configuration?.value.document ?? {};
    const after = edit.how === 'replace' ? edit.document : patchSettings(before, edit.document);
    const compiled = compileSettings(after);
    if (compiled.kind === 'faults')
      return {
        kind: 'refused',
        code: 'config-invalid',
        message: 'The configuration cannot be used; nothing was changed.',
        details: faultLines(compiled.faults),
      };
    const impossible = acknowledgementFaults(compiled.value, mostAcks(view));
    if (impossible.length > 0)
      return {
        kind: 'refused',
        code: 'config-invalid',
        message: 'The members cannot keep what the configuration promises; nothing was changed.',
        details: faultLines(impossible),
      };
    const changes = changeLines(before, after);
    const data = { document: after, changes };
    if (changes.length === 0 && view.configuration !== undefined)
      return { kind: 'done', message: 'nothing to change', data };
    if (who.dryRun) return { kind: 'would-do', message: `would change ${changes.length} settings`, data };
    const version: ConfigVersion = {
      number: nextNumber(view),
      document: after,
      by: who.by,
      at: new Date(who.wall).toISOString(),
    };
    const outcome = await keys.transact(
      proposeConfiguration(view, version, revisionInForce(view, range, who.configKey)),
    );
    switch (outcome.kind) {
      case 'applied':
        return { kind: 'done', message: `configuration version ${version.number} is in force`, data };
      case 'failed':
        return storeRefusal('write the configuration to etcd', outcome.error);
      case 'unknown':
        return {
          kind: 'refused',
          code: 'store-unavailable',
          message: `Whether the configuration was written is not known: ${outcome.error.message}.`,
          hint: 'Look at haagentctl config show before you try again.',
        };
      case 'refused':
        break;
      default:
        return outcome satisfies never;
    }
  }
  return {
    kind: 'refused',
    code: 'conflict',
    message: `The configuration was changed by somebody else ${ATTEMPTS} times in a row; nothing was written.`,
    hint: 'Look at haagentctl config history, then try again.',
  };
};

/** What every member's database can be made to wait for; undefined where none has a limit. */
const mostAcks = (view: ClusterView): number | undefined => {
  const limits = [...view.members.values()].flatMap(({ value }) => value.mostAcks ?? []);
  return limits.length === 0 ? undefined : Math.min(...limits);
};

const nextNumber = (view: ClusterView): number =>
  Math.max(view.configuration?.value.number ?? 0, 0, ...view.configVersions.keys()) + 1;

const revisionInForce = (view: ClusterView, range: RangeResult, configKey: string): Revision =>
  view.configuration?.modRevision ?? range.keys.find(({ key }) => key === configKey)?.modRevision ?? NEVER;

const proposeConfiguration = (view: ClusterView, version: ConfigVersion, inForce: Revision): StateTransaction => {
  const forgotten = [...view.configVersions.keys()].filter((number) => number <= version.number - KEPT_VERSIONS);
  return {
    compare: [{ key: { kind: 'config' }, modRevision: inForce }],
    writes: [
      { kind: 'put', key: { kind: 'config' }, value: version },
      { kind: 'put', key: { kind: 'config-version', number: version.number }, value: version },
      ...forgotten
        .slice(0, KEPT_VERSIONS)
        .map((number): StateWrite => ({ kind: 'delete', key: { kind: 'config-version', number } })),
    ],
  };
};
