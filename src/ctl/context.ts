import { ms } from '../core/brand.ts';
import { AgentError, ERRORS } from '../core/errors.ts';
import type { How, OperationResult, Refused } from '../ports/operations.ts';
import type { Access, AccessCall, Answer } from './access.ts';
import type { Io } from './io.ts';
import type { Printer } from './printer.ts';

/** What every command gets. */
export interface Context {
  readonly io: Io;
  readonly access: Access;
  readonly print: Printer;
  /** For questions: short, since nothing is waited for. */
  readonly call: AccessCall;
}

/** The options that commands which change something share. */
export interface ChangeOptions {
  readonly wait?: boolean;
  readonly timeout?: number;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly idempotencyKey?: string;
}

const DEFAULT_TIMEOUT = 60_000;

/** How an operation is asked for. While it is waited for, a line on standard error says for how long and what is seen. */
export const howOf = (context: Context, options: ChangeOptions, waits: boolean): How => ({
  by: whoAsks(context.io),
  dryRun: options.dryRun ?? false,
  wait: options.wait ?? waits,
  timeout: ms(options.timeout ?? DEFAULT_TIMEOUT),
  signal: context.io.signal,
  idempotencyKey: options.idempotencyKey,
  progress: (line) => context.print.progress(`waiting: ${line}`),
});

const whoAsks = (io: Io): string => {
  const user = io.env['SUDO_USER'] ?? io.env['USER'] ?? io.env['LOGNAME'] ?? 'somebody';
  return `${user.replaceAll(/[^\x21-\x7e]/g, '_').slice(0, 64)} with haagentctl`;
};

/** The value of an answer; throws what was refused, for the one place that prints it. */
export const valueOf = <T>(answer: Answer<T>): T => {
  if (answer.kind === 'ok') return answer.value;
  throw new RefusedError(answer);
};

/** Ends a command: printed as ERROR, DETAIL and HINT; the exit code comes from the error table. */
export class RefusedError extends AgentError {
  readonly refusal: Refused;
  constructor(refusal: Refused) {
    super(refusal.code, refusal.message);
    this.refusal = refusal;
  }
}

/** A command that was given wrongly: exit code 2. */
export const usageError = (message: string, hint: string): RefusedError =>
  new RefusedError({ kind: 'refused', code: 'usage', message, hint });

/** Prints what an operation came to and returns the exit code. */
export const report = (context: Context, result: OperationResult): number => {
  if (result.kind === 'refused') {
    context.print.refused(result);
    return ERRORS[result.code].exit;
  }
  const { kind, message, data, unproven } = result;
  context.print.value({ result: kind, message, data, unproven }, () =>
    kind === 'would-do' ? `Dry run: ${message}.` : `${message}.`,
  );
  if (unproven === undefined) return 0;
  context.print.warning(`NOT PROVEN: ${unproven}`);
  return ERRORS.unreachable.exit;
};

/**
 * Asks a yes-or-no question, unless `--yes` was given or nothing will be changed. Without a terminal there is nobody to
 * ask: that is a usage error, not a yes.
 */
export const confirm = async (context: Context, options: ChangeOptions, question: string): Promise<void> => {
  if (options.yes === true || options.dryRun === true) return;
  if (!context.io.inIsTerminal) throw usageError('There is no terminal to ask for confirmation.', 'Add --yes.');
  const answer = (await context.io.ask(`${question} [y/N] `))?.trim().toLowerCase();
  if (answer !== 'y' && answer !== 'yes')
    throw new RefusedError({ kind: 'refused', code: 'failed', message: 'Cancelled.' });
};

/**
 * Where data can be lost, `--yes` is not enough: the given text must be typed, or be the value of `--confirm`.
 */
export const confirmTyped = async (
  context: Context,
  options: ChangeOptions & { readonly confirm?: string },
  warning: string,
  wanted: string,
): Promise<void> => {
  if (options.dryRun === true) return;
  const hint = `Type ${wanted}, or add --confirm ${wanted}.`;
  if (options.confirm === undefined && !context.io.inIsTerminal)
    throw usageError(`${warning} There is no terminal to confirm it on.`, `Add --confirm ${wanted}.`);
  if (options.confirm === undefined) context.print.warning(warning);
  const typed = options.confirm ?? (await context.io.ask(`Type ${wanted} to go on: `))?.trim();
  if (typed !== wanted)
    throw new RefusedError({ kind: 'refused', code: 'failed', message: 'Cancelled: that was another text.', hint });
};
