import { z } from 'zod';
import { ERRORS } from '../core/errors.ts';
import {
  cancelBody,
  configBody,
  failoverBody,
  plainBody,
  reinitializeBody,
  restartBody,
  switchoverBody,
} from './requests.ts';

export interface Described {
  readonly method: 'get' | 'post' | 'delete' | 'patch' | 'put';
  readonly path: string;
  readonly summary: string;
  readonly body?: z.ZodType;
  readonly query?: Readonly<Record<string, string>>;
}

const LIMITS = {
  lag: 'Most lag: 1048576, 10MB (of log) or 5s (age of the last applied commit).',
  replication_state: '`streaming` or `in archive recovery`.',
  'tag_{name}': 'The value that this tag of the member must have.',
};

export const HEALTH: readonly (readonly [path: string, summary: string, query?: Readonly<Record<string, string>>])[] = [
  ['/', 'The same as /primary.'],
  ['/primary', 'This member leads, its right lasts, and its database takes writes.'],
  ['/read-write', 'The same as /primary.'],
  ['/master', 'The same as /primary.'],
  ['/leader', 'This member holds the leader key.'],
  ['/standby-leader', 'This member leads a cluster that follows another cluster.'],
  ['/replica', 'A replica that may serve reads.', LIMITS],
  ['/read-only', 'May serve reads: /replica or /primary.', LIMITS],
  ['/synchronous', 'A replica that every commit waits for. Also /sync.', LIMITS],
  ['/asynchronous', 'A replica that no commit waits for. Also /async.', LIMITS],
  ['/quorum', 'A replica that counts towards the quorum.', LIMITS],
  ['/read-only-sync', '/synchronous or /primary.', LIMITS],
  ['/read-only-quorum', '/quorum or /primary.', LIMITS],
  ['/health', 'The database runs and answers.'],
  ['/liveness', "The agent's loop runs."],
  ['/readiness', 'Leads, or streams with little lag.', { lag: LIMITS.lag, mode: '`apply` (default) or `write`.' }],
];

export const CONTROL: readonly Described[] = [
  { method: 'post', path: '/switchover', summary: 'Changes the leader with nothing lost.', body: switchoverBody },
  { method: 'delete', path: '/switchover', summary: 'Withdraws the scheduled switchover.', body: cancelBody },
  { method: 'post', path: '/failover', summary: 'Makes a member the leader by force.', body: failoverBody },
  { method: 'delete', path: '/failover', summary: 'Withdraws a failover that nobody carried out.', body: cancelBody },
  { method: 'post', path: '/restart', summary: "Restarts a member's database.", body: restartBody },
  { method: 'delete', path: '/restart', summary: 'Withdraws the scheduled restart.', body: cancelBody },
  {
    method: 'post',
    path: '/reinitialize',
    summary: "Replaces a member's data by a fresh copy.",
    body: reinitializeBody,
  },
  { method: 'delete', path: '/reinitialize', summary: 'Withdraws a reinitialization.', body: cancelBody },
  { method: 'post', path: '/reload', summary: 'Reads the local configuration again.', body: plainBody },
  { method: 'post', path: '/pause', summary: 'Takes the hands off: nothing automatic any more.', body: plainBody },
  { method: 'post', path: '/resume', summary: 'Ends the pause.', body: plainBody },
  {
    method: 'patch',
    path: '/config',
    summary: 'Merges into the dynamic configuration; null deletes.',
    body: configBody,
  },
  { method: 'put', path: '/config', summary: 'Replaces the dynamic configuration.', body: configBody },
];

export const READ: readonly Described[] = [
  { method: 'get', path: '/status', summary: 'Everything that the agent knows and decided.' },
  { method: 'get', path: '/patroni', summary: "The member in the shape of Patroni's API." },
  { method: 'get', path: '/cluster', summary: "The cluster in the shape of Patroni's API." },
  { method: 'get', path: '/history', summary: 'Ended timelines: [timeline, position, reason, time, new leader].' },
  { method: 'get', path: '/history/terms', summary: 'All kept terms.' },
  { method: 'get', path: '/config', summary: 'The dynamic configuration as it was written.' },
  { method: 'get', path: '/config/versions', summary: 'Its earlier versions, with who, when and what.' },
  { method: 'get', path: '/failsafe', summary: 'Members that a leader without etcd would ask: name to address.' },
  {
    method: 'post',
    path: '/failsafe',
    summary: 'Agents only, by `api.peers_secret`: a leader without etcd asks for the promise not to lead.',
  },
  {
    method: 'get',
    path: '/why',
    summary: 'Why the agent does what it does, and who could lead.',
    query: { member: 'Only this member.' },
  },
  { method: 'get', path: '/metrics', summary: 'Prometheus metrics.' },
  { method: 'get', path: '/copy/challenge', summary: 'For members: what to prove before a copy (MariaDB).' },
  { method: 'get', path: '/copy', summary: "For members: a copy of this one's data (MariaDB), against the proof." },
  { method: 'get', path: '/events', summary: 'Server-sent events: what the agent does, as it happens.' },
];

/** The description of this API (OpenAPI 3.1), generated from the schemas that check the requests. */
export const openApiDocument = (version: string): object => {
  const paths: Record<string, Record<string, object>> = {};
  const add = (path: string, method: string, operation: object): void => {
    paths[path] = { ...paths[path], [method]: operation };
  };
  for (const [path, summary, query] of HEALTH)
    for (const method of ['get', 'head', 'options'])
      add(path, method, { summary, ...parameters(query), responses: HEALTH_ANSWERS });
  for (const { path, method, summary, query } of READ)
    add(path, method, { summary, ...parameters(query), responses: { 200: { description: 'OK' }, default: PROBLEM } });
  for (const { path, method, summary, body } of CONTROL)
    add(path, method, {
      summary,
      security: [{ basic: [] }],
      ...(method === 'delete' ? {} : idempotency),
      ...(body === undefined ? {} : { requestBody: { content: jsonContent(body) } }),
      responses: {
        200: { description: 'Done, or what would be done' },
        202: { description: 'Recorded' },
        default: PROBLEM,
      },
    });
  return {
    openapi: '3.1.0',
    info: { title: 'haagent', version, description: 'High-availability agent for PostgreSQL, MySQL and MariaDB' },
    paths,
    components: {
      securitySchemes: { basic: { type: 'http', scheme: 'basic' } },
      schemas: { Problem: PROBLEM_SCHEMA },
    },
  };
};

const HEALTH_ANSWERS = {
  200: { description: 'Yes. The body is that of /patroni.' },
  503: { description: 'No. The header X-Haagent-Why says why.' },
};

const PROBLEM = {
  description: 'RFC 9457 problem details',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
};

const PROBLEM_SCHEMA = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail', 'code'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { enum: Object.keys(ERRORS) },
    hint: { type: 'string' },
    details: { type: 'array', items: { type: 'string' } },
    candidates: { type: 'array', items: { type: 'object' } },
  },
};

const idempotency = {
  parameters: [
    {
      name: 'Idempotency-Key',
      in: 'header',
      description: 'The same key twice is the same request.',
      schema: { type: 'string', maxLength: 128 },
    },
  ],
};

const parameters = (query: Readonly<Record<string, string>> | undefined): object =>
  query === undefined
    ? {}
    : {
        parameters: Object.entries(query).map(([name, description]) => ({
          name,
          in: 'query',
          description,
          schema: { type: 'string' },
        })),
      };

const jsonContent = (schema: z.ZodType): object => ({
  'application/json': { schema: z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) },
});
