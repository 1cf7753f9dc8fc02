import { createClock } from '../../../src/adapters/os/clock.ts';
import { createGuard } from '../../../src/adapters/os/guard-client.ts';
import type { GuardPlace } from '../../../src/adapters/os/guard-starter.ts';
import { createProcesses } from '../../../src/adapters/os/processes.ts';
import { ms, revision, termOf } from '../../../src/core/brand.ts';
import { after } from '../../../src/core/instant.ts';
import type { Log } from '../../../src/ports/log.ts';

/** An agent that does nothing but arm its guard. Arguments: place as JSON, term, right in milliseconds. */
const [place = '', term = '', right = ''] = process.argv.slice(2);
const clock = createClock();
const say: Log['info'] = (event, message, fields) => console.log(event, message, fields ?? '');
const log: Log = { debug: say, info: say, warn: say, error: say, child: () => log };
const guard = createGuard({
  processes: createProcesses({ clock }),
  clock,
  log,
  place: JSON.parse(place) as GuardPlace,
});
const { signal } = new AbortController();
for (;;) {
  const deadline = after(clock.now(), ms(Number(right)));
  await guard
    .arm({ term: termOf(revision(BigInt(term))), deadline, timeout: ms(5_000), signal })
    .catch((error: unknown) => console.log(String(error)));
  await clock.sleep(ms(200), { signal });
}
