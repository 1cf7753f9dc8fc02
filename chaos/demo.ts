/** `npm run demo`: a real cluster of three on this machine, to look at and to break. See `usage`. */
import { parseArgs } from 'node:util';
import { runDemoScenario } from './demo/scenario.ts';
import { runLiveDemo } from './demo/live.ts';
import { faultNames, findFault } from './faults/faults.ts';
import { hasMysql } from './lab/mysql-server.ts';
import { engineNames } from './lab/server.ts';

const usage = `npm run demo                              a cluster to watch and to break; Ctrl-C ends and removes it
npm run demo -- --scenario NAME           one fault with a report: ${faultNames.join(', ')}
npm run demo -- --engine NAME             postgres, mariadb, or mysql where its servers are installed
npm run demo -- --ttl SECONDS             how long a silent primary keeps its right: 3 to 60, default 3`;

const refuse = (message: string): never => {
  console.error(`${message}\n\n${usage}`);
  process.exit(2);
};

const readArguments = () => {
  try {
    return parseArgs({
      options: {
        engine: { type: 'string', default: 'postgres' },
        scenario: { type: 'string' },
        ttl: { type: 'string', default: '3' },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
};

const { engine: named, scenario, ttl, help } = readArguments();
if (help) {
  console.log(usage);
  process.exit(0);
}
const engine =
  engineNames.find((name) => name === named) ??
  refuse(`--engine ${named}: unknown; there are ${engineNames.join(', ')}`);
if (engine === 'mysql' && !hasMysql('mysql'))
  refuse(
    '--engine mysql: needs MySQL 8.0.26 or newer on this machine: the programs mysqld and mysqlbinlog in /usr/sbin, /usr/bin or ' +
      '/usr/libexec, its CLONE plugin (mysql_clone.so), and a user mysql. Debian has no such package: install mysql-community-server ' +
      "from MySQL's own repository (https://dev.mysql.com/downloads/repo/apt/), or take --engine mariadb",
  );
const ttlMs = Number(ttl) * 1_000;
if (!(ttlMs >= 3_000 && ttlMs <= 60_000)) refuse(`--ttl ${ttl}: must be a number of seconds from 3 to 60`);

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => {
    console.log('\nending every process of the demo ...');
    interrupted.abort(new Error(`interrupted by ${signal}`));
  });

if (scenario === undefined) process.exitCode = await runLiveDemo({ engine, ttlMs, signal: interrupted.signal });
else {
  const found = findFault(scenario) ?? refuse(`--scenario ${scenario}: unknown; there are ${faultNames.join(', ')}`);
  process.exitCode = await runDemoScenario({
    engine,
    scenario: found,
    asked: scenario,
    ttlMs,
    signal: interrupted.signal,
  });
}
