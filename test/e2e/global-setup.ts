import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The cluster runs what is built: make sure that it is, and that the servers are installed. */
export const setup = (): void => {
  execFileSync('sh', ['scripts/run.sh', 'setup'], { cwd: ROOT, stdio: 'inherit' });
};
