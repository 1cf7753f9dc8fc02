import { createLog } from '../../../src/telemetry/log.ts';

/** A program that logs, for the tests of what reaches the outside. Its first argument says how it behaves. */
const [, , how, logFile] = process.argv;
const log = createLog({ logLevel: 'info', logFile });
let ticks = 0;

if (how === 'crash') {
  for (let i = 0; i < 1000; i += 1) log.info('line', `number ${i}`);
  log.error('agent.crashed', 'the last words');
  process.exit(70);
}
if (how === 'end') log.info('line', 'only this');
if (how === 'flood') {
  // More than any pipe holds, while nobody reads: the event loop must go on turning.
  for (let i = 0; i < 20_000; i += 1) log.info('line', 'x'.repeat(500));
  const timer = setInterval(() => {
    ticks += 1;
    if (ticks < 20) return;
    clearInterval(timer);
    process.stderr.write('still ticking\n');
    if (process.send === undefined) process.exit(0);
  }, 10);
}
