import type { Command } from 'commander';
import type { Context } from './context.ts';

/** Runs a command's work with what it needs, and turns whatever comes of it into an exit code. */
export type Run = (command: Command, work: (context: Context) => Promise<number>) => Promise<void>;

/** Adds one command to the program. */
export type Register = (program: Command, run: Run) => void;
