import type { Register } from '../command.ts';
import { valueOf } from '../context.ts';
import { haproxyConfig } from '../haproxy-config.ts';

/** `haagentctl haproxy-config`: a complete HAProxy configuration for the cluster as it is now. */
export const haproxy: Register = (program, run) => {
  program
    .command('haproxy-config')
    .description('print an HAProxy configuration: port 5000 for writes, 5001 for reads')
    .action(async (_options, command) =>
      run(command, async ({ access, call, io }) => {
        io.out(haproxyConfig(valueOf(await access.cluster(call))));
        return 0;
      }),
    );
};
