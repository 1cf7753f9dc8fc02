import { z } from 'zod';

/** One key as etcd's JSON gateway gives it. */
export interface EtcdKey {
  readonly key: string;
  readonly value: string;
  readonly modRevision: number;
}

/**
 * Reads etcd for checks and benches, over its JSON gateway and so independent of the agent's own client.
 * Every call ends within two seconds; a call that no server answered throws.
 */
export interface EtcdClient {
  isHealthy(endpoint: string): Promise<boolean>;
  /** All keys below a prefix, and the revision at which they were read. */
  range(prefix: string): Promise<{ readonly revision: number; readonly keys: readonly EtcdKey[] }>;
  put(key: string, value: string): Promise<void>;
  remove(key: string): Promise<void>;
  /** Calls back for every change below a prefix until `signal`; resolves then, or rejects when the stream is lost. */
  watch(prefix: string, changed: (key: string) => void, signal: AbortSignal): Promise<void>;
}

const header = z.object({ revision: z.coerce.number() });
const rangeReply = z.object({
  header,
  kvs: z
    .array(z.object({ key: z.string(), value: z.string().default(''), mod_revision: z.coerce.number() }))
    .default([]),
});
const watchReply = z.object({
  result: z.object({ events: z.array(z.object({ kv: z.object({ key: z.string() }) })).default([]) }),
});
const health = z.object({ health: z.literal('true') });

const CALL_MS = 2_000;
const encode = (text: string): string => Buffer.from(text).toString('base64');
const decode = (text: string): string => Buffer.from(text, 'base64').toString();

/** The first key behind all that begin with `prefix`. */
const endOf = (prefix: string): string => {
  const bytes = Buffer.from(prefix);
  const last = bytes.length - 1;
  bytes.writeUInt8(bytes.readUInt8(last) + 1, last);
  return bytes.toString('base64');
};

/** A client that tries the endpoints in order. */
export const createEtcdClient = (endpoints: readonly string[]): EtcdClient => {
  const call = async (path: string, body: Readonly<Record<string, string>>): Promise<unknown> => {
    const failures: string[] = [];
    for (const endpoint of endpoints) {
      try {
        const response = await fetch(`${endpoint}/v3/${path}`, {
          method: 'POST',
          body: JSON.stringify(body),
          signal: AbortSignal.timeout(CALL_MS),
        });
        if (response.ok) return await response.json();
        failures.push(`${endpoint}: ${response.status} ${await response.text()}`);
      } catch (error) {
        failures.push(`${endpoint}: ${String(error)}`);
      }
    }
    throw new Error(`etcd did not do ${path}: ${failures.join('; ')}`);
  };
  return {
    isHealthy: async (endpoint) => {
      try {
        const response = await fetch(`${endpoint}/health`, { signal: AbortSignal.timeout(CALL_MS) });
        return health.safeParse(await response.json()).success;
      } catch {
        return false;
      }
    },
    range: async (prefix) => {
      const reply = rangeReply.parse(await call('kv/range', { key: encode(prefix), range_end: endOf(prefix) }));
      return {
        revision: reply.header.revision,
        keys: reply.kvs.map(({ key, value, mod_revision }) => ({
          key: decode(key),
          value: decode(value),
          modRevision: mod_revision,
        })),
      };
    },
    put: async (key, value) => {
      await call('kv/put', { key: encode(key), value: encode(value) });
    },
    remove: async (key) => {
      await call('kv/deleterange', { key: encode(key) });
    },
    watch: async (prefix, changed, signal) => {
      const response = await fetch(`${endpoints[0]}/v3/watch`, {
        method: 'POST',
        body: JSON.stringify({ create_request: { key: encode(prefix), range_end: endOf(prefix) } }),
        signal,
      });
      if (response.body === null) throw new Error(`etcd at ${endpoints[0]} answered a watch with nothing`);
      let pending = '';
      try {
        for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
          pending += chunk;
          const lines = pending.split('\n');
          pending = lines.pop() ?? '';
          for (const line of lines)
            for (const { kv } of watchReply.parse(JSON.parse(line)).result.events) changed(decode(kv.key));
        }
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    },
  };
};
