import { readFileSync } from 'node:fs';

const CAP_SYS_ADMIN = 21n;

/** Why containers cannot be run here at all; undefined: they can, or whatever fails is a fault. */
export const whyNoContainers = (): string | undefined => {
  if (process.platform !== 'linux') return 'the container lab needs Linux';
  if (process.getuid?.() !== 0) return 'the container lab needs root';
  const effective = /^CapEff:\s+([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  const may = ((BigInt(`0x${effective}`) >> CAP_SYS_ADMIN) & 1n) === 1n;
  return may ? undefined : 'this root may not mount and make namespaces (no CAP_SYS_ADMIN)';
};
