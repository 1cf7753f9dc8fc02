import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Lets a person change a text in the editor `command` (split at spaces, never run by a shell) on this terminal.
 * Returns the new text; undefined when it is the old one, or when the editor ended with an error. The file is readable for
 * its owner alone and removed afterwards.
 */
export const editText = async (text: string, command: string): Promise<string | undefined> => {
  const directory = mkdtempSync(join(tmpdir(), 'haagentctl-'));
  const file = join(directory, 'configuration.yml');
  try {
    writeFileSync(file, text, { mode: 0o600 });
    const [program = 'vi', ...args] = command.split(' ').filter((part) => part !== '');
    const code = await new Promise<number | null>((resolve, reject) => {
      const child = spawn(program, [...args, file], { stdio: 'inherit' });
      child.on('error', reject);
      child.on('exit', resolve);
    });
    const edited = readFileSync(file, 'utf8');
    return code === 0 && edited !== text ? edited : undefined;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};
