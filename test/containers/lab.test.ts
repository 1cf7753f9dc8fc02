import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDocker } from '../../chaos/lab/containers/docker.ts';
import { borrowEngine, buildImages, type Engine } from '../../chaos/lab/containers/engine.ts';
import { procsOfLab } from '../../chaos/lab/proc.ts';
import { waitFor } from '../../chaos/lab/wait.ts';
import { whyNoContainers } from './hosts.ts';

const SCRIPT = `
  import { createContainerLab } from ${JSON.stringify(fileURLToPath(new URL('../../chaos/lab/container-lab.ts', import.meta.url)))};
  const lab = await createContainerLab({ members: 1 });
  await lab.etcd.start();
  await lab.etcd.ready();
  await lab.etcd.freeze();
  console.log(lab.dir);
  process.stdin.on('data', () => lab.stop().then(() => process.exit()));`;

describe.skipIf(whyNoContainers() !== undefined)('a lab of containers', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await borrowEngine();
    await buildImages(engine); // the first time that takes minutes
  });
  afterAll(() => engine.release());

  /** Starts a lab in a process of its own, with an etcd server that is held. */
  const startLab = async () => {
    const owner = spawn(process.execPath, ['--input-type=module-typescript', '-e', SCRIPT], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const [line] = await once(owner.stdout.setEncoding('utf8'), 'data');
    return { owner, dir: String(line).trim() };
  };
  const belongings = async (dir: string): Promise<number> => {
    const { containers, networks } = await createDocker(engine.socket, dir).labelled();
    return [...containers, ...networks].filter(({ lab }) => lab === dir).length;
  };
  const isGone = async (dir: string): Promise<boolean> =>
    procsOfLab(dir).length === 0 && !existsSync(dir) && (await belongings(dir)) === 0;

  test('that is stopped leaves no container, network, process or file', async () => {
    const { owner, dir } = await startLab();
    expect(await belongings(dir)).toBe(2);
    owner.stdin.write('stop\n');
    await once(owner, 'exit');
    expect(await isGone(dir)).toBe(true);
  });

  test('whose process was killed leaves none either', async () => {
    const { owner, dir } = await startLab();
    expect(await belongings(dir)).toBe(2);
    owner.kill('SIGKILL');
    await waitFor('everything of the lab is gone', () => isGone(dir), { deadlineMs: 20_000 });
  });
});
