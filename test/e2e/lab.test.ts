import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { createLab } from '../../chaos/lab/process-lab.ts';
import { procsOfLab } from '../../chaos/lab/proc.ts';
import { waitFor } from '../../chaos/lab/wait.ts';

const gone = (dir: string): boolean => procsOfLab(dir).length === 0 && !existsSync(dir);

test('a lab that is stopped leaves no process and no file', async () => {
  const lab = await createLab({ engine: 'postgres', members: 1 });
  await lab.etcd.start();
  await lab.etcd.ready();
  expect(procsOfLab(lab.dir).length).toBeGreaterThan(0);
  await lab.stop();
  await lab.stop();
  expect(gone(lab.dir)).toBe(true);
});

test('a lab whose process was killed leaves no process and no file either', async () => {
  const module = fileURLToPath(new URL('../../chaos/lab/process-lab.ts', import.meta.url));
  const script = `
    import { createLab } from ${JSON.stringify(module)};
    const lab = await createLab({ engine: 'postgres', members: 1 });
    await lab.etcd.start();
    await lab.etcd.ready();
    console.log(lab.dir);
    setInterval(() => {}, 1_000);`;
  const owner = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(owner.stdout.setEncoding('utf8'), 'data');
  const dir = String(line).trim();
  expect(procsOfLab(dir).length).toBeGreaterThan(0);
  owner.kill('SIGKILL');
  await waitFor('everything of the lab is gone', () => gone(dir), { deadlineMs: 10_000 });
});
