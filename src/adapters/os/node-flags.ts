/** The flags that Node gets where the agent and its guard are started. The shipped unit and the image say the same (a test compares). */

/** A small young generation and one helper thread keep a quarter of the memory free. */
export const AGENT_FLAGS: readonly string[] = ['--max-semi-space-size=1', '--v8-pool-size=1'];

/**
 * A heap far larger than the guard needs, far smaller than Node would take; one helper thread; and no compiler: a program that
 * looks at a clock ten times a second is never worth compiling, and a compiler's code is 3 MiB.
 */
export const GUARD_FLAGS: readonly string[] = [
  '--max-semi-space-size=1',
  '--max-old-space-size=32',
  '--v8-pool-size=1',
  '--no-opt',
  '--no-maglev',
  '--no-sparkplug',
  '--regexp-interpret-all',
];
