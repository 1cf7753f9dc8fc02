import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createDocker, DockerError, type Docker, type Labelled } from './docker.ts';

/** The file in a lab's directory that names the engine its containers are on. */
const ENGINE_FILE = 'engine';

/** Notes where the lab in `dir` has its containers, for whoever cleans up after it. */
export const noteEngine = (dir: string, socket: string): void => writeFileSync(join(dir, ENGINE_FILE), socket);

const removeThose = async (docker: Docker, isMeant: (found: Labelled) => boolean): Promise<void> => {
  const { containers, networks } = await docker.labelled();
  await Promise.all(containers.filter(isMeant).map(({ id }) => docker.remove(id)));
  for (const { id } of networks.filter(isMeant)) await docker.removeNetwork(id);
};

/** Removes the containers and networks of the lab in `dir`, where it had any. An engine that is gone has none running. */
export const removeContainers = async (dir: string): Promise<void> => {
  const file = join(dir, ENGINE_FILE);
  if (!existsSync(file)) return;
  try {
    await removeThose(createDocker(readFileSync(file, 'utf8'), dir), ({ lab }) => lab === dir);
  } catch (error) {
    if (!(error instanceof DockerError) || error.status !== 0) throw error;
  }
};

/** Removes what labs left on the engine whose directories are gone. */
export const sweepContainers = (docker: Docker): Promise<void> => removeThose(docker, ({ lab }) => !existsSync(lab));
