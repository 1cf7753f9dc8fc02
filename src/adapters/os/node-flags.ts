/** The flags that Node gets where the agent and its guard are started. The shipped unit and the image say the same (a test compares). */

/**
 * A small young generation that one thread clears, one helper thread, and of V8's three compilers the last one alone: code that
 * a resting agent runs now and then is not worth compiling, and code that is asked for thousands of times a second still is.
 * All together they keep a third of the memory free and cost no health answer.
 */
export const AGENT_FLAGS: readonly string[] = [
  '--max-semi-space-size=1',
  '--v8-pool-size=1',
  '--no-parallel-scavenge',
  '--no-maglev',
  '--no-sparkplug',
];

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
