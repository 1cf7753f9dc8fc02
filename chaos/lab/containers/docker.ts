import { request } from 'node:http';
import { z } from 'zod';

/** The Docker Engine's API, as far as the lab uses it. Every call has a deadline; an error names the call and the engine's words. */
export interface Docker {
  createNetwork(spec: { readonly name: string; readonly subnet: string; readonly gateway: string }): Promise<string>;
  removeNetwork(id: string): Promise<void>;
  /** Returns the new container's id; it does not run yet. */
  create(spec: ContainerSpec): Promise<string>;
  start(id: string): Promise<void>;
  /** SIGKILL for every process of it, paused or not. Returns when they are gone. */
  kill(id: string): Promise<void>;
  /** Holds every process of it by the control group's freezer. */
  pause(id: string): Promise<void>;
  unpause(id: string): Promise<void>;
  /** Kills and removes it with its own volumes. */
  remove(id: string): Promise<void>;
  /** Its first process as this machine numbers it; undefined while it does not run. */
  pid(id: string): Promise<number | undefined>;
  /** What carries the label: containers and networks with its value. */
  labelled(): Promise<{ readonly containers: readonly Labelled[]; readonly networks: readonly Labelled[] }>;
}

export interface Labelled {
  readonly id: string;
  readonly lab: string;
}

export interface ContainerSpec {
  readonly name: string;
  readonly hostname: string;
  readonly image: string;
  /** Replaces the image's own entry point and command. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly user: string;
  readonly workingDir: string;
  /** Directories of this machine that have the same path in the container. */
  readonly shared: readonly string[];
  /** Directories in memory, which are empty again after each start, with their mount options. */
  readonly memory: readonly { readonly directory: string; readonly options: string }[];
  readonly network: string;
  readonly address: string;
}

/** The value of this label is the directory of the lab that something belongs to. */
const LABEL = 'org.haagent.lab.dir';
const CALL_MS = 60_000;

const created = z.object({ Id: z.string() });
const inspected = z.object({ State: z.object({ Running: z.boolean(), Pid: z.number() }) });
const list = z.array(z.object({ Id: z.string(), Labels: z.record(z.string(), z.string()) }));
const refusal = z.object({ message: z.string() });

/** An engine said no, or nothing. `status` is that of HTTP; 0 when there was no answer. */
export class DockerError extends Error {
  readonly status: number;
  constructor(message: string, status: number, cause?: unknown) {
    super(message, { cause });
    this.name = 'DockerError';
    this.status = status;
  }
}

const send = (
  socketPath: string,
  method: string,
  path: string,
  body: unknown,
): Promise<{ readonly status: number; readonly text: string }> =>
  new Promise((resolve, reject) => {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const call = request(
      {
        socketPath,
        method,
        path: `/v1.41${path}`,
        signal: AbortSignal.timeout(CALL_MS),
        headers: payload === undefined ? {} : { 'content-type': 'application/json' },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
      },
    );
    call.on('error', reject);
    call.end(payload);
  });

/** What the engine's refusal says. */
const wordsOf = (text: string): string => {
  try {
    return refusal.parse(JSON.parse(text)).message;
  } catch {
    return text;
  }
};

/** A client of the engine at a Unix socket. */
export const createDocker = (socket: string, lab: string): Docker => {
  /** `fine`: answers besides 2xx that are as good (already so, already gone). */
  const call = async (method: string, path: string, body?: unknown, fine: readonly number[] = []): Promise<string> => {
    const answer = await send(socket, method, path, body).catch((error: unknown) => {
      throw new DockerError(
        `the Docker engine at ${socket} did not answer ${method} ${path}: ${String(error)}`,
        0,
        error,
      );
    });
    if ((answer.status < 200 || answer.status >= 300) && !fine.includes(answer.status))
      throw new DockerError(`Docker refused ${method} ${path}: ${wordsOf(answer.text)}`, answer.status);
    return answer.text;
  };
  const labels = { [LABEL]: lab };
  const filters = encodeURIComponent(JSON.stringify({ label: [LABEL] }));
  const listed = async (path: string): Promise<readonly Labelled[]> =>
    list.parse(JSON.parse(await call('GET', path))).map(({ Id: id, Labels }) => ({ id, lab: Labels[LABEL] ?? '' }));

  return {
    createNetwork: async ({ name, subnet, gateway }) =>
      created.parse(
        JSON.parse(
          await call('POST', '/networks/create', {
            Name: name,
            Driver: 'bridge',
            Internal: true, // containers and this machine, and nobody else
            IPAM: { Config: [{ Subnet: subnet, Gateway: gateway }] },
            Labels: labels,
          }),
        ),
      ).Id,
    removeNetwork: async (id) => {
      await call('DELETE', `/networks/${id}`, undefined, [404]);
    },
    create: async (spec) =>
      created.parse(
        JSON.parse(
          await call('POST', `/containers/create?name=${spec.name}`, {
            Image: spec.image,
            Hostname: spec.hostname,
            Entrypoint: spec.command,
            Cmd: [],
            Env: Object.entries(spec.env).map(([name, value]) => `${name}=${value}`),
            User: spec.user,
            WorkingDir: spec.workingDir,
            Labels: labels,
            Healthcheck: { Test: ['NONE'] }, // the lab asks itself
            HostConfig: {
              NetworkMode: spec.network,
              Binds: spec.shared.map((directory) => `${directory}:${directory}`),
              Tmpfs: Object.fromEntries(spec.memory.map(({ directory, options }) => [directory, options])),
            },
            NetworkingConfig: { EndpointsConfig: { [spec.network]: { IPAMConfig: { IPv4Address: spec.address } } } },
          }),
        ),
      ).Id,
    start: async (id) => {
      await call('POST', `/containers/${id}/start`, undefined, [304]);
    },
    kill: async (id) => {
      await call('POST', `/containers/${id}/kill`, undefined, [409]); // 409: it does not run
      await call('POST', `/containers/${id}/wait?condition=not-running`);
    },
    pause: async (id) => {
      await call('POST', `/containers/${id}/pause`);
    },
    unpause: async (id) => {
      await call('POST', `/containers/${id}/unpause`);
    },
    remove: async (id) => {
      await call('DELETE', `/containers/${id}?force=1&v=1`, undefined, [404, 409]); // 409: it is being removed
    },
    pid: async (id) => {
      const { State } = inspected.parse(JSON.parse(await call('GET', `/containers/${id}/json`)));
      return State.Running ? State.Pid : undefined;
    },
    labelled: async () => ({
      containers: await listed(`/containers/json?all=1&filters=${filters}`),
      networks: await listed(`/networks?filters=${filters}`),
    }),
  };
};
