/** The command line's surroundings: everything that a command reads from or writes to, so that tests can stand in for a terminal. */
export interface Io {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly outIsTerminal: boolean;
  readonly errIsTerminal: boolean;
  readonly inIsTerminal: boolean;
  /** Asks a question on the terminal; undefined at the end of input. */
  readonly ask: (question: string) => Promise<string | undefined>;
  /** Lets the operator change a text in the editor; undefined when it was left unchanged or the editor failed. */
  readonly edit: (text: string) => Promise<string | undefined>;
  readonly readFile: (path: string) => string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Wall clock milliseconds. */
  readonly wall: () => number;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}
