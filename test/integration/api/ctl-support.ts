import { randomUUID } from 'node:crypto';
import { createHttpClient } from '../../../src/adapters/http/client.ts';
import { createPeers } from '../../../src/adapters/http/peers.ts';
import { createClock } from '../../../src/adapters/os/clock.ts';
import { ms } from '../../../src/core/brand.ts';
import type { Access } from '../../../src/ctl/access.ts';
import { createHttpAccess } from '../../../src/ctl/http-access.ts';
import type { Io } from '../../../src/ctl/io.ts';
import { runCtl } from '../../../src/ctl/program.ts';
import { createStoreAccess } from '../../../src/ctl/store-access.ts';
import { positions } from '../../unit/api/support.ts';
import { CREDENTIALS, type TestApi, type TestCluster } from './support.ts';

export interface CtlResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** The way to the cluster: one agent's API, or etcd alone. */
export type Way = 'agent' | 'etcd';

const newId = (): string => randomUUID().replaceAll('-', '');

export const accessOver = (way: Way, cluster: TestCluster, agent: TestApi, name = 'ctl'): Access => {
  const http = createHttpAccess({
    client: createHttpClient({ maxBytes: 1_000_000 }),
    url: agent.url,
    account: CREDENTIALS,
    newId,
    sleep: (delay, signal) => createClock().sleep(ms(delay), { signal }),
  });
  if (way === 'agent') return http;
  return createStoreAccess({
    store: cluster.model.client(name),
    cluster: 'demo',
    prefix: '/haagent',
    positions,
    peers: createPeers({ cluster: 'demo', positions }),
    clock: createClock(),
    newId,
    endpoints: ['http://etcd:2379'],
    agent: undefined,
  });
};

/** Runs haagentctl as a person without a terminal would, or with one that types `answers`. */
export const ctl = async (
  line: string | readonly string[],
  connect: () => Access | Promise<Access>,
  over: { readonly answers?: readonly string[]; readonly io?: Partial<Io> } = {},
): Promise<CtlResult> => {
  let out = '';
  let err = '';
  const answers = [...(over.answers ?? [])];
  const io: Io = {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    outIsTerminal: false,
    errIsTerminal: false,
    inIsTerminal: over.answers !== undefined,
    ask: async (question) => {
      err += `${question}\n`;
      return answers.shift();
    },
    edit: async () => undefined,
    readFile: () => '',
    env: { USER: 'tester' },
    wall: () => Date.now(),
    signal: new AbortController().signal,
    ...over.io,
  };
  const code = await runCtl(typeof line === 'string' ? line.split(' ') : line, { io, connect: async () => connect() });
  return { code, out, err };
};
