import { accessSync, constants, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Control groups, version 2: killing one kills all its processes at once, also frozen ones and those being born.
 * Only ever a short cut: whoever kills by it still verifies by walking the processes.
 */

/** Marks a group as made for one database. No systemd unit ends like this, and no other group is ever killed. */
const SUFFIX = '.haagent';
const GROUP_NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/;

/**
 * The file that takes a process into the group `name`, made where it is missing below this process's own group (under
 * systemd with Delegate=yes the unit's). `undefined` where no version 2 tree can be written. Everything in a group dies with
 * the fence of any of it, so `name` must be one database's alone.
 */
export const cgroupEntrance = (name: string): string | undefined => {
  const own = directoryOf('self');
  if (own === undefined || !GROUP_NAME.test(name)) return undefined;
  const group = join(own, `${name}${SUFFIX}`);
  removeEmptyGroups(own);
  try {
    mkdirSync(group, { recursive: true });
    accessSync(join(group, 'cgroup.procs'), constants.W_OK);
    return join(group, 'cgroup.procs');
  } catch {
    return undefined;
  }
};

/** Groups of databases that are gone. One that another agent has just made, to enter it in a moment, costs it only the short cut. */
const removeEmptyGroups = (parent: string): void => {
  for (const name of readdirSync(parent)) {
    if (!name.endsWith(SUFFIX)) continue;
    try {
      rmdirSync(join(parent, name)); // refused for a group that holds a process
    } catch {
      // In use, or not ours to remove.
    }
  }
};

/**
 * Kills the database group that a process is in, if it is in one and this process is not. An empty group stays until the
 * next start of any database.
 */
export const killCgroupOf = (pid: number): void => {
  const [group, own] = [directoryOf(pid), directoryOf('self')];
  if (group === undefined || !group.endsWith(SUFFIX) || own === undefined || `${own}/`.startsWith(`${group}/`)) return;
  try {
    writeFileSync(join(group, 'cgroup.kill'), '1');
  } catch {
    // Not permitted, or a kernel without it: the walk over the processes does the same.
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
