import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import type { EtcdStoreOptions } from '../adapters/etcd/store.ts';
import { createHttpClient, type HttpClientOptions } from '../adapters/http/client.ts';
import { createPeers } from '../adapters/http/peers.ts';
import { createClock } from '../adapters/os/clock.ts';

import { faultLines } from '../config/faults.ts';
import { loadConfig } from '../config/load.ts';
import type { LocalConfig } from '../config/local.ts';
import { ms } from '../core/brand.ts';
import { AgentError } from '../core/errors.ts';
import type { Access } from '../ctl/access.ts';
import { createHttpAccess } from '../ctl/http-access.ts';
import type { AgentAccount } from '../ctl/http-deps.ts';
import type { ConnectOptions } from '../ctl/program.ts';
import { createStoreAccess } from '../ctl/store-access.ts';
import { allPositions } from './positions.ts';

const DEFAULT_CONFIG = '/etc/haagent/haagent.yml';
const DEFAULT_AGENT = 'http://127.0.0.1:8010';
const ANSWER_BYTES = 8_000_000;
/** How long an agent may take to say that it is there, when several were named. */
const PROBE = ms(2_000);

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Reaches the cluster as the options say: agents that were named; else etcd that was named; else what the local
 * configuration says (etcd first, the agent of this host beside it); else the agent of this host at its usual port.
 */
export const connect = async (options: ConnectOptions, env: Env, signal: AbortSignal): Promise<Access> => {
  const path = options.config ?? env['HAAGENT_CONFIG'] ?? (existsSync(DEFAULT_CONFIG) ? DEFAULT_CONFIG : undefined);
  if (options.etcd !== undefined) return throughNamedEtcd(options, options.etcd, env);
  if (options.agent !== undefined) {
    const config = options.config === undefined ? undefined : readConfig(options.config, env);
    return throughAgents(options.agent, options, env, config, signal);
  }
  if (path !== undefined) return throughConfig(readConfig(path, env), options, env);
  return agentAccess(DEFAULT_AGENT, options, env, undefined);
};

const readConfig = (path: string, env: Env): LocalConfig => {
  const loaded = loadConfig(path, env);
  if (loaded.kind === 'ok') return loaded.value.config;
  throw new AgentError('config-invalid', `The configuration ${path} cannot be used.`, {
    detail: faultLines(loaded.faults),
    hint: 'haagent config check says the same; or name the cluster with --agent, or with --etcd and --cluster.',
  });
};

const throughAgents = async (
  urls: readonly string[],
  options: ConnectOptions,
  env: Env,
  config: LocalConfig | undefined,
  signal: AbortSignal,
): Promise<Access> => {
  const [first = DEFAULT_AGENT, ...others] = urls.map(agentUrl);
  if (others.length === 0) return agentAccess(first, options, env, config);
  const client = createHttpClient({ maxBytes: ANSWER_BYTES, ...tlsOf(options, config) });
  try {
    for (const url of [first, ...others]) {
      const answer = await client.request({ method: 'GET', url: `${url}/liveness`, timeout: PROBE, signal });
      if (answer.kind === 'answered') return agentAccess(url, options, env, config);
    }
  } finally {
    client.close();
  }
  throw new AgentError('unreachable', `None of the agents answers: ${[first, ...others].join(', ')}.`, {
    hint: 'Check the addresses, or go through etcd with --etcd and --cluster.',
  });
};

/** `db1:8010` is what people type. */
const agentUrl = (text: string): string => {
  const url = /^https?:\/\//.test(text) ? text : `http://${text}`;
  if (URL.canParse(url)) return url.replace(/\/+$/, '');
  throw new AgentError('usage', `"${text}" is no address of an agent.`, { hint: 'Write it as http://HOST:8010.' });
};

const agentAccess = (url: string, options: ConnectOptions, env: Env, config: LocalConfig | undefined): Access =>
  createHttpAccess({
    client: createHttpClient({ maxBytes: ANSWER_BYTES, ...tlsOf(options, config) }),
    url,
    account: namedAccount(options, env) ?? configuredAccount(config),
    newId,
    sleep: (delay, signal) => createClock().sleep(ms(delay), { signal }),
  });

const throughNamedEtcd = async (options: ConnectOptions, endpoints: readonly string[], env: Env): Promise<Access> => {
  if (options.cluster === undefined)
    throw new AgentError('usage', 'Which cluster?', { hint: 'With --etcd, name it: --cluster NAME.' });
  const account = namedAccount(options, env);
  const ca = options.ca === undefined ? undefined : fileText(options.ca);
  return storeAccess(
    {
      endpoints: endpoints.map((endpoint) => (/^https?:\/\//.test(endpoint) ? endpoint : `http://${endpoint}`)),
      ...(ca === undefined ? {} : { tls: { ca } }),
      ...account,
    },
    { cluster: options.cluster, prefix: options.prefix },
    undefined,
    tlsOf(options, undefined),
    undefined,
  );
};

const throughConfig = async (config: LocalConfig, options: ConnectOptions, env: Env): Promise<Access> => {
  const { endpoints, tls, username, password } = config.etcd;
  const key = tls?.key?.reveal();
  const { ca, cert } = tls ?? {};
  return storeAccess(
    {
      endpoints,
      ...(tls === undefined
        ? {}
        : {
            tls: {
              ...(ca === undefined ? {} : { ca }),
              ...(cert === undefined ? {} : { cert }),
              ...(key === undefined ? {} : { key }),
            },
          }),
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password: password.reveal() }),
    },
    config.cluster,
    agentAccess(config.api.advertiseUrl, options, env, config),
    tlsOf(options, config),
    config.api.peersSecret?.reveal(),
  );
};

/** The client of etcd is loaded only where it is used: it takes longer than everything else together. */
const storeAccess = async (
  etcd: Omit<EtcdStoreOptions, 'clock' | 'random'>,
  where: { readonly name?: string; readonly cluster?: string; readonly prefix: string },
  agent: Access | undefined,
  tls: Pick<HttpClientOptions, 'tls'>,
  secret: string | undefined,
): Promise<Access> => {
  const { createEtcdStore } = await import('../adapters/etcd/store.ts');
  const clock = createClock();
  const cluster = where.cluster ?? where.name ?? '';
  return createStoreAccess({
    store: createEtcdStore({ ...etcd, clock, random: Math.random }),
    cluster,
    prefix: where.prefix,
    positions: allPositions,
    peers: createPeers({ cluster, positions: allPositions, ...tls, ...(secret === undefined ? {} : { secret }) }),
    clock,
    newId,
    endpoints: etcd.endpoints,
    agent,
  });
};

const newId = (): string => randomUUID().replaceAll('-', '');

/** The account of the command line. The password never stands in the arguments, where every user of the host can read it. */
const namedAccount = (options: ConnectOptions, env: Env): AgentAccount | undefined => {
  if (options.user === undefined) return undefined;
  const password =
    options.passwordFile === undefined
      ? env['HAAGENTCTL_PASSWORD']
      : fileText(options.passwordFile).replace(/\r?\n$/, '');
  if (password !== undefined) return { username: options.user, password };
  throw new AgentError('usage', `There is no password for ${options.user}.`, {
    hint: 'Set HAAGENTCTL_PASSWORD, or name a file with --password-file.',
  });
};

const configuredAccount = (config: LocalConfig | undefined): AgentAccount | undefined => {
  const control = config?.api.control;
  return control === undefined ? undefined : { username: control.username, password: control.password.reveal() };
};

const tlsOf = (options: ConnectOptions, config: LocalConfig | undefined): Pick<HttpClientOptions, 'tls'> => {
  const ca = options.ca === undefined ? config?.api.tls?.ca : fileText(options.ca);
  if (ca === undefined && options.insecure !== true) return {};
  return { tls: { ...(ca === undefined ? {} : { ca }), ...(options.insecure === true ? { insecure: true } : {}) } };
};

const fileText = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new AgentError(
      'usage',
      `${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}.`,
      {
        cause,
      },
    );
  }
};
