import { ERRORS } from '../../src/core/errors.ts';
import { code, table } from './markdown.ts';

/** Every error code with its meaning, HTTP status and exit code. */
export const errorsPage = (): string => `# Errors

Every error that a user sees has one of these codes: in the \`code\` field of the API's problem details (RFC 9457), and in what
\`haagentctl\` and \`haagent\` print. The agent itself ends with exit code 78 where its configuration cannot be used, so that init
systems need not try again.

${table(
  ['code', 'HTTP', 'exit', 'meaning'],
  Object.entries(ERRORS).map(([name, { http, exit, meaning }]) => [code(name), String(http), String(exit), meaning]),
)}
`;
