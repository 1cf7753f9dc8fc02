import type { z } from 'zod';
import type { HttpOutcome } from '../adapters/http/client.ts';
import { ms } from '../core/brand.ts';
import type { Refused } from '../ports/operations.ts';
import type { Access, AccessCall, Answer } from './access.ts';
import {
  clusterSchema,
  configVersionsSchema,
  documentSchema,
  eventSchema,
  statusMembersSchema,
  termsSchema,
  whySchema,
} from './documents.ts';
import { createEventParser } from './event-parser.ts';
import { authorization, type HttpAccessDeps } from './http-deps.ts';
import { createHttpOperations } from './http-operations.ts';
import { refusalOf, unreachable } from './http-refusal.ts';

/** The cluster through one agent. */
export const createHttpAccess = (deps: HttpAccessDeps): Access => {
  const { client, account } = deps;
  const base = deps.url.replace(/\/+$/, '');

  const get = (path: string, call: AccessCall): Promise<HttpOutcome> =>
    client.request({ method: 'GET', url: `${base}${path}`, timeout: ms(call.timeoutMs), signal: call.signal });

  const read = async <S extends z.ZodType>(path: string, schema: S, call: AccessCall): Promise<Answer<z.output<S>>> => {
    const outcome = await get(path, call);
    const refusal = refusalOf(outcome, base);
    if (refusal !== undefined || outcome.kind === 'failed') return refusal ?? unreachable(base, 'no answer');
    return parseAs(schema, outcome.body, `${base}${path}`);
  };

  return {
    through: `agent ${base}`,
    operations: createHttpOperations({ ...deps, url: base }),
    cluster: async (call) => read('/cluster', clusterSchema, call),
    why: async (member, call) =>
      read(`/why${member === undefined ? '' : `?member=${encodeURIComponent(member)}`}`, whySchema, call),
    async configuration(call) {
      const [document, versions] = await Promise.all([
        read('/config', documentSchema, call),
        read('/config/versions', configVersionsSchema, call),
      ]);
      if (document.kind === 'refused') return document;
      if (versions.kind === 'refused') return versions;
      return { kind: 'ok', value: { document: document.value, versions: versions.value } };
    },
    history: async (call) => read('/history/terms', termsSchema, call),
    async members(call) {
      const status = await read('/status', statusMembersSchema, call);
      return status.kind === 'refused' ? status : { kind: 'ok', value: status.value.view?.members ?? [] };
    },
    status: async (call) => read('/status', documentSchema, call),
    async reload(apiUrl, call) {
      const target = apiUrl.replace(/\/+$/, '');
      const outcome = await client.request({
        method: 'POST',
        url: `${target}/reload`,
        headers: authorization(account),
        timeout: ms(call.timeoutMs),
        signal: call.signal,
      });
      return refusalOf(outcome, target) ?? { kind: 'ok', value: 'reload scheduled' };
    },
    async events(onEvent, call) {
      const parser = createEventParser((data) => {
        const parsed = parseAs(eventSchema, data, `${base}/events`);
        if (parsed.kind === 'ok') onEvent(parsed.value);
      });
      const outcome = await client.stream(
        { method: 'GET', url: `${base}/events`, timeout: ms(45_000), signal: call.signal },
        parser,
      );
      if (outcome.kind === 'failed' && outcome.code === 'aborted') return { kind: 'ok', value: undefined };
      return refusalOf(outcome, base) ?? { kind: 'ok', value: undefined };
    },
    async close() {
      client.close();
    },
  };
};

const parseAs = <S extends z.ZodType>(schema: S, body: string, from: string): Answer<z.output<S>> => {
  const odd: Refused = {
    kind: 'refused',
    code: 'failed',
    message: `${from} answered with something that cannot be understood.`,
    hint: 'Is it the API of an agent of this version?',
  };
  try {
    const parsed = schema.safeParse(JSON.parse(body));
    return parsed.success ? { kind: 'ok', value: parsed.data } : odd;
  } catch {
    return odd;
  }
};
