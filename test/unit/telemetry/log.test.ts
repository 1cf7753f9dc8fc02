import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { secret } from '../../../src/config/secret.ts';
import type { Log } from '../../../src/ports/log.ts';
import { createLog, type AgentLog } from '../../../src/telemetry/log.ts';
import { redact, redactText } from '../../../src/telemetry/redact.ts';

let dir = '';
let file = '';
let open: AgentLog[] = [];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'haagent-log-'));
  file = join(dir, 'sub', 'agent.log');
});
afterEach(() => {
  for (const log of open) log.close();
  open = [];
  rmSync(dir, { recursive: true });
});

const started = (logLevel: 'debug' | 'info' = 'info'): AgentLog => {
  const log = createLog({ logLevel, logFile: file });
  open.push(log);
  return log;
};

const linesOf = (log: AgentLog, path = file): readonly Record<string, unknown>[] => {
  log.close();
  return readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
};

describe('the log', () => {
  it('writes JSON lines with level, time, event, fields and message', () => {
    const log = started();
    log.child({ member: 'a' }).info('leader.won', 'leads term 7 at 100%', { term: 7n, took_ms: 12 });
    const [line] = linesOf(log);
    expect(line).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      event: 'leader.won',
      member: 'a',
      term: '7',
      took_ms: 12,
      msg: 'leads term 7 at 100%',
    });
    expect(Object.keys(line!).slice(0, 3)).toEqual(['level', 'time', 'event']);
  });

  it('leaves out what is below its level', () => {
    const log = started();
    log.debug('a', 'a');
    log.warn('b', 'b');
    expect(linesOf(log).map((each) => each['event'])).toEqual(['b']);
  });

  it.each(['password', 'PGPASSWORD', 'passfile', 'secret', 'peers_secret', 'apiToken', 'authorization', 'private_key'])(
    'never shows %s, at any depth, in fields, context, errors or text',
    (name) => {
      const log: Log & AgentLog = started();
      const error = new Error('cannot connect: password=hunter2 host=a', {
        cause: Object.assign(new Error('postgres://u:hunter2@h/db'), { code: 'X' }),
      });
      log.child({ context: { [name]: 'hunter2' } }).error('x', 'tried "password": "hunter2" at https://u:hunter2@h', {
        [name]: 'hunter2',
        deep: { list: [{ [name]: { inner: 'hunter2' } }] },
        map: new Map([[name, 'hunter2']]),
        hidden: secret('hunter2'),
        err: error,
      });
      log.close();
      const written = readFileSync(file, 'utf8');
      expect(written).not.toContain('hunter2');
      expect(written).toContain('***');
      expect(written).toContain('cannot connect');
    },
  );

  it('goes on in the new file after a rotation', async () => {
    const log = started();
    log.info('one', 'one');
    await vi.waitFor(() => expect(readFileSync(file, 'utf8')).toContain('one'));
    renameSync(file, `${file}.1`);
    log.reopen();
    log.info('two', 'two');
    expect(linesOf(log).map((each) => each['event'])).toEqual(['two']);
  });

  it('keeps the order of many lines', async () => {
    const log = started();
    for (let i = 0; i < 5_000; i += 1) log.info('n', 'x'.repeat(50), { i });
    await new Promise((resolve) => setImmediate(resolve));
    log.info('n', 'last', { i: 5_000 });
    expect(linesOf(log).map((each) => each['i'])).toEqual(Array.from({ length: 5_001 }, (_, i) => i));
  });
});

describe('redact', () => {
  it('makes anything printable and never throws', () => {
    const cyclic: Record<string, unknown> = { n: 1n };
    cyclic['self'] = cyclic;
    const odd = {
      get bad(): never {
        throw new Error('no');
      },
    };
    expect(() =>
      JSON.stringify(redact([cyclic, odd, Buffer.alloc(9), new Date(Number.NaN), Symbol('x')])),
    ).not.toThrow();
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withMap: true, withSet: true, withDate: true }), (anything) => {
        JSON.stringify(redact(anything));
      }),
    );
  });

  it('leaves ordinary text alone', () => {
    fc.assert(fc.property(fc.stringMatching(/^[a-z ,.0-9-]{0,80}$/), (plain) => redactText(plain) === plain));
  });
});

describe('a program that logs', () => {
  let child: ChildProcessByStdio<null, Readable, Readable> | undefined;
  afterEach(() => {
    child?.kill('SIGKILL');
    child = undefined;
  });

  const run = (how: string): ChildProcessByStdio<null, Readable, Readable> => {
    const program = new URL('./log-program.ts', import.meta.url).pathname;
    child = spawn(process.execPath, [program, how], { stdio: ['ignore', 'pipe', 'pipe'], timeout: 20_000 });
    return child;
  };

  it('gets its last words out when it exits in the same breath', { timeout: 20_000 }, async () => {
    const running = run('crash');
    const [out, [code]] = await Promise.all([text(running.stdout), once(running, 'exit')]);
    const lines = out.trim().split('\n');
    expect(code).toBe(70);
    expect(lines).toHaveLength(1001);
    expect(lines.at(-1)).toContain('the last words');
  });

  it('ends by itself', { timeout: 20_000 }, async () => {
    const running = run('end');
    const [out, [code]] = await Promise.all([text(running.stdout), once(running, 'exit')]);
    expect([code, out.trim().split('\n').length]).toEqual([0, 1]);
  });

  it('is not stopped by a reader that does not read, and still ends', { timeout: 20_000 }, async () => {
    const running = run('flood');
    const [said, [code]] = await Promise.all([text(running.stderr), once(running, 'exit')]);
    expect([said, code]).toEqual(['still ticking\n', 0]);
  });

  it('is not held at its end by a pipe that nobody reads', { timeout: 20_000 }, async () => {
    const program = new URL('./log-program.ts', import.meta.url).pathname;
    const line = `{ '${process.execPath}' '${program}' flood; echo "code $?" >&2; } | exec sleep 60`;
    const shell = spawn('sh', ['-c', line], { stdio: ['ignore', 'ignore', 'pipe'], detached: true });
    try {
      let said = '';
      shell.stderr.on('data', (data: Buffer) => (said += data.toString()));
      await vi.waitFor(() => expect(said).toBe('still ticking\ncode 0\n'), { timeout: 15_000, interval: 50 });
    } finally {
      process.kill(-shell.pid!, 'SIGKILL');
    }
  });

  it('does not die of a reader that is gone', { timeout: 20_000 }, async () => {
    const running = run('flood');
    running.stdout.destroy();
    const [said, [code]] = await Promise.all([text(running.stderr), once(running, 'exit')]);
    expect([said, code]).toEqual(['still ticking\n', 0]);
  });
});
