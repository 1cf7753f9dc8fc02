import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ms, parseInstanceId, type InstanceId } from '../../src/core/brand.ts';
import { StepError } from '../../src/core/errors.ts';
import { BIN_DIR, createLab, processes, step, until, type Lab, type TestMember } from '../support/postgres.ts';

const instance = parseInstanceId('inst1') as InstanceId;
const config = { parameters: {}, accessRules: [], memberHosts: ['127.0.0.1'], instance };

describe('data made by other means than our own', () => {
  let lab: Lab;
  let a: TestMember;
  let systemId: string;

  beforeAll(async () => {
    lab = await createLab();
    a = await lab.member('a', {
      customBootstrap: {
        command: [
          '/bin/sh',
          '-c',
          `${BIN_DIR}/initdb -D "$HAAGENT_DATA_DIR" -U postgres -A trust >/dev/null && echo "$HAAGENT_CLUSTER" > "$HAAGENT_DATA_DIR/made-for"`,
        ],
      },
      parameters: { shared_buffers: '16MB', fsync: 'off' },
      archive: { command: 'test ! -e %p.refused && true' },
    });
    ({ systemId } = await a.database.initialize(step()));
    await a.database.configure({ ...step(), ...config });
    await a.database.start({ ...step(), source: undefined });
    await a.database.promote({ ...step(), generation: 2 });
  });
  afterAll(() => lab.close());

  it('a bootstrap of the operator gets the same accounts as our own', async () => {
    expect(readFileSync(join(a.options.dataDir, 'made-for'), 'utf8')).toBe('test\n');
    expect(await a.running()).toMatchObject({ role: 'primary', systemId });
    expect(a.lines.filter((line) => line.level === 'error')).toEqual([]);
    expect((await a.sql(`select count(*) as n from pg_roles where rolcanlogin`))[0]).toEqual({ n: '4' });
  });

  it('clone methods are tried in their order with everything they need to know, our own last', async () => {
    const script = 'env | grep ^HAAGENT_ | sort > "$0/seen"; exit 3';
    const b = await lab.member('b', {
      customClone: [
        { name: 'broken', command: ['/nonexistent/backup'] },
        { name: 'failing', command: ['/bin/sh', '-c', script, join(lab.folder, 's')] },
      ],
    });
    await b.database.clone({ ...step(), from: a.source, systemId });
    expect(b.lines.filter((line) => line.event === 'database.clone_method_failed')).toHaveLength(2);
    const seen = readFileSync(join(lab.folder, 's', 'seen'), 'utf8');
    expect(seen).toContain(`HAAGENT_SOURCE_PORT=${a.source.port}`);
    expect(seen).toContain(`HAAGENT_SYSTEM_ID=${systemId}`);
    expect(seen).not.toContain(b.options.credentials.replication.password);
    await b.database.configure({ ...step(), ...config });
    await b.database.start({ ...step(), source: a.source });
    await until('b streams', async () => ((await b.running()).streaming ? true : undefined));
    await b.database.fence(step());
    await b.database.clone({ ...step(), from: a.source, systemId });
    const kept = readdirSync(join(b.options.dataDir, '..')).filter((each) => each.startsWith('data.kept-'));
    expect(kept).toHaveLength(1);
  });

  it('a copy of another system is never taken, whoever brings it', async () => {
    const c = await lab.member('c', {
      customClone: [
        {
          name: 'foreign',
          command: ['/bin/sh', '-c', `${BIN_DIR}/initdb -D "$HAAGENT_DATA_DIR" -A reject >/dev/null`],
          keepData: true,
        },
      ],
    });
    await c.database.clone({ ...step(), from: a.source, systemId });
    expect(c.lines.map((line) => line.text).join()).toContain(`not ${systemId}`);
    expect(await c.database.observe(step())).toMatchObject({ kind: 'stopped', systemId });
  });

  it('a step that is aborted ends at once and leaves no program running', async () => {
    const d = await lab.member('d', { customClone: [{ name: 'slow', command: ['/bin/sleep', '60'] }] });
    const controller = new AbortController();
    const cloning = d.database.clone({ signal: controller.signal, timeout: ms(60_000), from: a.source, systemId });
    const outcome = cloning.then(
      () => 'done',
      (error: unknown) => (error instanceof StepError ? error.code : error),
    );
    const work = join(d.options.stateDir, 'postgres', 'work');
    await until('the program runs', async () => (processes.within(work).length > 0 ? true : undefined));
    const why = new Error('the agent is closing');
    controller.abort(why);
    expect(await outcome).toBe(why);
    await until('the program is gone', async () => (processes.within(work).length === 0 ? true : undefined));
    expect(await d.database.observe(step())).toEqual({ kind: 'incomplete', step: 'clone' });
  });
});
