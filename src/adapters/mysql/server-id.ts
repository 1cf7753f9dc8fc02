import { randomInt } from 'node:crypto';

/**
 * A new number for every start of a server, out of two thousand million. In MariaDB it is part of every transaction's name:
 * as no two lives of any server share one, what a number wrote is one unbroken piece of one history, and two logs can be
 * compared by how much of each number they have. A number fixed to a host would name different transactions alike after its
 * lost ones were given up.
 */
export const freshServerId = (): number => randomInt(1, 2 ** 31);
