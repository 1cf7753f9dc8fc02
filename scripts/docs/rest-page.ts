import { z } from 'zod';
import { CONTROL, HEALTH, READ, type Described } from '../../src/api/openapi.ts';
import { PATRONI_VERSION } from '../../src/api/patroni-document.ts';
import { STATUS_MAX_AGE } from '../../src/core/status.ts';
import { code, table } from './markdown.ts';

interface Field {
  readonly description?: string;
  readonly type?: string;
  readonly enum?: readonly unknown[];
}

/** The REST API: routes and fields from the schemas that check the requests. */
export const restPage = (): string => `# REST API

Every agent serves this API on \`api.listen\` (default 0.0.0.0:8010). It answers from what the agent knows in memory, never by
asking the database. \`GET /openapi.json\` describes it for programs (OpenAPI 3.1).

## Health

For load balancers and probes. GET, HEAD and OPTIONS; HTTP/1.0 without a Host header works. 200 is yes, 503 is no; a 503 says why in
the header \`X-Haagent-Why\`. The body of a GET is that of \`/patroni\`.

${table(
  ['path', '200 when'],
  HEALTH.map(([path, summary]) => [code(path), summary]),
)}

\`/primary\` says 200 only while the member's right to lead lasts **at the moment of the request** (it is over for clients when the
fence would begin, \`timing.fence_budget\` before the deadline), the database is verified writable, and a commit was acknowledged
under the settings in force since it became primary. An answer from a status older than ${STATUS_MAX_AGE / 1000} seconds is always 503: the agent's
loop hangs. Under pause a right does not end by time.

Limits for \`/replica\`, \`/read-only\`, \`/synchronous\`, \`/asynchronous\`, \`/quorum\` and the combined paths:

- \`lag=10MB\` (also \`16kB\`, or a plain number of bytes; of transactions where the engine counts those): how far behind the leader;
- \`lag=5s\`: how old the last applied commit may be;
- \`replication_state=streaming\`;
- \`tag_NAME=VALUE\`: each must equal the member's tag.

A limit that cannot be read or measured answers 503, never 200. \`/readiness\` takes \`lag\` (default
\`replication.max_lag_on_failover\`) and \`mode=apply\` or \`mode=write\`. \`/standby-leader\` is always 503: clusters that follow another
cluster are not supported yet.

## Reading

${table(
  ['path', 'what'],
  READ.map(({ path, summary, query }) => [
    code(path),
    summary +
      Object.entries(query ?? {})
        .map(([name, text]) => ` \`?${name}\`: ${text}`)
        .join(''),
  ]),
)}

\`/patroni\`, \`/cluster\`, \`/history\`, \`/config\` and \`/failsafe\` have the shapes of Patroni ${PATRONI_VERSION}, which is also what
\`patroni.version\` says; ours is in \`haagent.version\`. What does not exist is left out, never null. In \`/cluster\`, \`lag\` is always
there: a number, or \`"unknown"\`; it is measured by asking all agents (at most once a second), so every member gives the same
answer. \`/failsafe\` is 502 while no leader has recorded a list.

\`/events\` goes on until either side closes it. It begins with the recent events; with the header \`Last-Event-ID\`, with those
after that one.

## Changing

These need the credentials of \`api.control\` (HTTP basic) and JSON bodies. Without \`api.control\` in the configuration they answer
403. Requests that a web page sends (header \`Origin\`) and other content types are refused; ten wrong passwords from an address make it wait
a minute; \`api.allow_from\` and \`api.tls.verify_client\` restrict further.

The header \`Idempotency-Key\` makes the same request, sent again, the same request. \`wait\`, \`dry_run\` and \`timeout\` may also stand
behind the \`?\`. What is recorded in etcd stays recorded when the client goes away.

${CONTROL.map(section).join('\n\n')}

## Answers

200: done (\`wait\`), or what would be done (\`dry_run\`). 202: recorded or scheduled. The body is
\`{"result": "done" | "accepted" | "scheduled" | "would-do", "message": …, "data": …}\`; \`PATCH\` and \`PUT /config\` answer with the
new configuration, as Patroni does (\`?result=true\`: with ours and the changes).

Errors are problem details (RFC 9457, \`application/problem+json\`): \`status\`, \`title\`, \`detail\`, and ours: \`code\` (see
[errors](errors.md)), \`hint\`, \`details\`, and \`candidates\` with every member's reasons where a leader was to be chosen.
`;

const section = ({ method, path, summary, body }: Described): string => {
  const heading = `### ${method.toUpperCase()} ${path}\n\n${summary}`;
  const fields = body === undefined ? [] : fieldsOf(body);
  if (fields.length === 0) return heading;
  return `${heading}\n\n${table(
    ['field', 'type', 'what'],
    fields.map(([name, field]) => [code(name), typeOf(field), field.description ?? '']),
  )}`;
};

const fieldsOf = (schema: z.ZodType): readonly (readonly [string, Field])[] => {
  const { properties } = z
    .object({ properties: z.record(z.string(), z.looseObject({})).default({}) })
    .parse(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }));
  return Object.entries(properties);
};

const typeOf = (field: Field): string =>
  field.enum === undefined
    ? (field.type ?? 'number or text')
    : field.enum.map((value) => code(String(value))).join(', ');
