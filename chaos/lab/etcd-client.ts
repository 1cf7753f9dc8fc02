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
  /** The place in the list of endpoints of the server that leads; undefined when none says that it does. */
  leader(): Promise<number | undefined>;
  /** Revokes the lease that a key lies on, and so deletes the key; throws when there is none. */
  revokeLeaseOf(key: string): Promise<void>;
  /** Writes below a prefix until etcd says that it has no space left. */
  fill(prefix: string): Promise<void>;
  /** Deletes what `fill` wrote, and makes etcd take writes again. */
  makeRoom(prefix: string): Promise<void>;
  /** Calls back for every change below a prefix until `signal`; resolves then, or rejects when the stream is lost. */
  watch(prefix: string, changed: (key: string) => void, signal: AbortSignal): Promise<void>;
}

const header = z.object({ revision: z.coerce.number() });
const statusReply = z.object({ header: z.object({ member_id: z.string() }), leader: z.string().optional() });
const alarmReply = z.object({
  alarms: z.array(z.object({ memberID: z.string(), alarm: z.string() })).default([]),
});
const rangeReply = z.object({
  header,
  kvs: z
    .array(
      z.object({
        key: z.string(),
        value: z.string().default(''),
        mod_revision: z.coerce.number(),
        lease: z.string().optional(),
      }),
    )
    .default([]),
});
const watchReply = z.object({
  result: z.object({ events: z.array(z.object({ kv: z.object({ key: z.string() }) })).default([]) }),
});
const health = z.object({ health: z.literal('true') });

const CALL_MS = 2_000;
const FILLING_BYTES = 500_000;
const FILLINGS = 200;
type Body = Readonly<Record<string, string | boolean>>;
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
  const ask = async (endpoint: string, path: string, body: Body): Promise<unknown> => {
    const response = await fetch(`${endpoint}/v3/${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(CALL_MS),
    });
    if (response.ok) return response.json();
    throw new Error(`${response.status} ${await response.text()}`);
  };
  const statusOf = async (endpoint: string): Promise<z.infer<typeof statusReply> | undefined> => {
    try {
      return statusReply.parse(await ask(endpoint, 'maintenance/status', {}));
    } catch {
      return undefined; // it is down or hangs: not the leader
    }
  };
  const call = async (path: string, body: Body): Promise<unknown> => {
    const failures: string[] = [];
    for (const endpoint of endpoints) {
      try {
        return await ask(endpoint, path, body);
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
    leader: async () => {
      const replies = await Promise.all(endpoints.map((endpoint) => statusOf(endpoint)));
      const place = replies.findIndex((reply) => reply !== undefined && reply.leader === reply.header.member_id);
      return place < 0 ? undefined : place;
    },
    revokeLeaseOf: async (key) => {
      const reply = rangeReply.parse(await call('kv/range', { key: encode(key) }));
      const lease = reply.kvs[0]?.lease;
      if (lease === undefined || lease === '0') throw new Error(`the key ${key} is not there or lies on no lease`);
      await call('lease/revoke', { ID: lease });
    },
    fill: async (prefix) => {
      const value = encode('x'.repeat(FILLING_BYTES));
      for (let count = 0; count < FILLINGS; count += 1)
        try {
          await call('kv/put', { key: encode(`${prefix}${count}`), value });
        } catch (error) {
          if (String(error).includes('database space exceeded')) return;
          throw error;
        }
      throw new Error(`etcd took ${FILLINGS} values of ${FILLING_BYTES} bytes and is not full`);
    },
    makeRoom: async (prefix) => {
      await call('kv/deleterange', { key: encode(prefix), range_end: endOf(prefix) });
      const { header: last } = rangeReply.parse(await call('kv/range', { key: encode(prefix) }));
      await call('kv/compaction', { revision: String(last.revision), physical: true }).catch(() => undefined); // by others
      for (const endpoint of endpoints) await ask(endpoint, 'maintenance/defragment', {});
      const { alarms } = alarmReply.parse(await call('maintenance/alarm', { action: 'GET' }));
      for (const { memberID, alarm } of alarms)
        await call('maintenance/alarm', { action: 'DEACTIVATE', memberID, alarm });
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
