import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { CtlResult, Lab } from './lab.ts';

/** The built haagentctl. */
export const CTL = fileURLToPath(new URL('../../dist/bin/haagentctl.js', import.meta.url));

/** Runs haagentctl to its end, or kills it at the deadline (then its code is -1). */
export const runCtl = (args: readonly string[], deadlineMs: number): Promise<CtlResult> =>
  new Promise((resolve) => {
    execFile(
      process.execPath,
      [CTL, ...args],
      { timeout: deadlineMs, killSignal: 'SIGKILL' },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        resolve({ code, stdout, stderr });
      },
    );
  });

/** Hands over to the best replica; throws with what haagentctl printed when it failed. */
export const switchoverByCtl = async (ctl: Lab['ctl']): Promise<void> => {
  const { code, stdout, stderr } = await ctl(['switchover', '--yes']);
  if (code !== 0) throw new Error(`haagentctl switchover ended with ${code}:\n${stdout}${stderr}`);
};
