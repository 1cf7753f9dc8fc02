import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Control groups, version 2: killing one kills all its processes at once, also frozen ones and those being born.
 * Only ever a short cut: whoever kills by it still verifies by walking the processes.
 */

/** Marks a group as made for one database. No systemd unit ends like this, and no other group is ever killed. */
const SUFFIX = '.haagent';
const GROUP_NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/;

/**
 * Moves processes into the group `name`, made where it is missing below this process's own group (under systemd with
 * Delegate=yes the unit's). Children born later are in it too. False where no version 2 tree can be written.
 */
export const joinCgroup = (name: string, pids: readonly number[]): boolean => {
  const own = directoryOf('self');
  if (own === undefined || !GROUP_NAME.test(name)) return false;
  const group = join(own, `${name}${SUFFIX}`);
  try {
    mkdirSync(group, { recursive: true });
    for (const pid of pids) writeFileSync(join(group, 'cgroup.procs'), String(pid));
    return true;
  } catch {
    return false;
  }
};

/**
 * Kills the database group that a process is in, if it is in one and this process is not. Returns the group's directory,
 * or `undefined` when nothing was done.
 */
export const killCgroupOf = (pid: number): string | undefined => {
  const [group, own] = [directoryOf(pid), directoryOf('self')];
  if (group === undefined || !group.endsWith(SUFFIX) || own === undefined || `${own}/`.startsWith(`${group}/`))
    return undefined;
  try {
    writeFileSync(join(group, 'cgroup.kill'), '1');
    return group;
  } catch {
    return undefined;
  }
};

/** Removes an empty group. One that is still in use stays. */
export const removeCgroup = (group: string): void => {
  try {
    rmdirSync(group);
  } catch {
    // Still in use, or already removed.
  }
};

/** Where the version 2 group of a process is mounted; `undefined` where there is no such tree or process. */
const directoryOf = (pid: number | 'self'): string | undefined => {
  try {
    return groupDirectory(readFileSync('/proc/self/mountinfo', 'utf8'), readFileSync(`/proc/${pid}/cgroup`, 'utf8'));
  } catch {
    return undefined;
  }
};

/** The same from the texts of /proc/self/mountinfo and /proc/<pid>/cgroup. */
export const groupDirectory = (mountinfo: string, cgroup: string): string | undefined => {
  const path = /^0::(\/.*)$/m.exec(cgroup)?.[1];
  const mount = mountinfo
    .split('\n')
    .map((line) => line.split(' '))
    .find((fields) => fields.indexOf('-') > 0 && fields[fields.indexOf('-') + 1] === 'cgroup2');
  const [root, mountPoint] = [mount?.[3], mount?.[4]];
  if (path === undefined || root === undefined || mountPoint === undefined) return undefined;
  if (root === '/') return join(mountPoint, path).replace(/\/$/, '');
  return path === root || path.startsWith(`${root}/`) ? join(mountPoint, path.slice(root.length)) : undefined;
};
