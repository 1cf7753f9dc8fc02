#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { createInterface } from 'node:readline/promises';
import { editText } from '../adapters/os/editor.ts';
import { AgentError } from '../core/errors.ts';
import type { Io } from '../ctl/io.ts';
import { runCtl } from '../ctl/program.ts';
import { connect } from './ctl-connect.ts';

const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort(new Error('interrupted')));
process.once('SIGTERM', () => interrupted.abort(new Error('ended')));
// A reader that has seen enough (`| head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

/** Whoever runs this, where the environment does not say so. */
const userName = (): string => {
  try {
    return userInfo().username;
  } catch {
    return `user ${process.getuid?.() ?? ''}`;
  }
};

const io: Io = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  outIsTerminal: process.stdout.isTTY,
  errIsTerminal: process.stderr.isTTY,
  inIsTerminal: process.stdin.isTTY,
  async ask(question) {
    const terminal = createInterface({ input: process.stdin, output: process.stderr });
    try {
      return await terminal.question(question, { signal: interrupted.signal });
    } catch {
      return undefined;
    } finally {
      terminal.close();
    }
  },
  edit: (text) => editText(text, process.env['VISUAL'] ?? process.env['EDITOR'] ?? 'vi'),
  readFile(path) {
    try {
      return readFileSync(path === '-' ? 0 : path, 'utf8');
    } catch (cause) {
      throw new AgentError(
        'usage',
        `${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}.`,
        {
          cause,
        },
      );
    }
  },
  env: { USER: userName(), ...process.env },
  wall: () => Date.now(),
  signal: interrupted.signal,
};

process.exitCode = await runCtl(process.argv.slice(2), {
  io,
  connect: (options) => connect(options, process.env, interrupted.signal),
});
