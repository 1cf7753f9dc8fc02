import { execFile, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

/** A Docker engine that is lent until it is given back, or until this process ends. */
export interface Engine {
  /** The engine's socket, a path. */
  readonly socket: string;
  release(): void;
}

const script = (name: string): string => fileURLToPath(new URL(`../../../scripts/${name}`, import.meta.url));

const BORROW_MS = 10 * 60_000;
const BUILD_MS = 25 * 60_000;
const UNIX = /^unix:\/\/(\/.+)$/;

/**
 * Borrows the engine that answers here, or one that is started for it (see scripts/engine.sh, which says on standard error
 * what it does). Rejects with the reason when there can be none.
 */
export const borrowEngine = async (): Promise<Engine> => {
  const lender = spawn('sh', [script('engine.sh')], { stdio: ['pipe', 'pipe', 'inherit'], detached: true });
  lender.stdin.on('error', () => undefined); // it has ended; its exit tells
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const overdue = setTimeout(() => {
    reject(new Error('no Docker engine was lent within ten minutes'));
    lender.kill();
  }, BORROW_MS);
  let said = '';
  lender.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
    if (said.includes('\n')) resolve(said.trim());
  });
  lender.once('error', reject);
  lender.once('exit', (code) => reject(new Error(`no Docker engine could be lent (exit code ${code}): see above`)));
  try {
    const address = await promise;
    const socket = UNIX.exec(address)?.[1];
    if (socket === undefined)
      throw new Error(
        `the Docker engine is at ${address}: the container lab needs one on this machine (unix:///...), since writers and ` +
          'faults reach its containers by their own addresses and processes',
      );
    lender.unref();
    return { socket, release: () => void lender.stdin.end() };
  } catch (error) {
    lender.stdin.end();
    throw error;
  } finally {
    clearTimeout(overdue);
  }
};

/** What the lab runs, by the names that the engine knows. */
export interface Images {
  /** haagent from the project's Dockerfile. */
  readonly agent: string;
  /** The same database server with Patroni, etcd and HAProxy. */
  readonly hosts: string;
  /** Who databases run as in both. */
  readonly postgres: { readonly uid: number; readonly gid: number };
  /** Where both have the server's programs. */
  readonly binDir: string;
  /** Packages and their versions. */
  readonly versions: readonly string[];
}

const built = z.tuple([z.string(), z.string(), z.coerce.number(), z.coerce.number(), z.string()], z.string());

/** Builds what is not built yet from the files as they are now; says on standard error what it does. */
export const buildImages = async (engine: Engine): Promise<Images> => {
  const output = await new Promise<string>((resolve, reject) => {
    const child = execFile(
      'sh',
      [script('images.sh')],
      { env: { ...process.env, DOCKER_HOST: `unix://${engine.socket}` }, timeout: BUILD_MS, killSignal: 'SIGKILL' },
      (error, stdout, stderr) =>
        error === null ? resolve(stdout) : reject(new Error(`scripts/images.sh failed:\n${stderr}`, { cause: error })),
    );
    child.stderr?.pipe(process.stderr);
  });
  const [agent, hosts, uid, gid, binDir, ...versions] = built.parse(output.trim().split('\n'));
  return { agent, hosts, postgres: { uid, gid }, binDir, versions };
};
