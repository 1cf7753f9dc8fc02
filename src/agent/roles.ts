import type { Memory } from '../core/memory.ts';
import { roleOf } from '../core/publish.ts';
import type { DatabaseRole } from '../core/model.ts';
import type { Hooks } from './hooks.ts';

/** Notices changes of the database's role and tells hooks and metrics, once for each change. */
export const createRoleWatch = (deps: {
  readonly hooks: Hooks;
  readonly changed: (from: DatabaseRole, to: DatabaseRole) => void;
}): ((m: Memory) => void) => {
  let last: DatabaseRole | undefined;
  return (m) => {
    const role = roleOf(m);
    if (role === 'none' || role === last) return;
    const from = last ?? 'none';
    last = role;
    deps.changed(from, role);
    deps.hooks.tell('on_role_change', {
      HAAGENT_ROLE: role,
      HAAGENT_PREVIOUS_ROLE: from,
      HAAGENT_TERM: String(m.reign?.term ?? ''),
    });
  };
};
