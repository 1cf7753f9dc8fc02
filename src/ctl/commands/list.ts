import { clusterTable, topologyTree } from '../cluster-view.ts';
import type { Register } from '../command.ts';
import { valueOf } from '../context.ts';

/** `haagentctl list`: the members as a table. */
export const list: Register = (program, run) => {
  program
    .command('list')
    .description('show the members of the cluster')
    .action(async (_options, command) =>
      run(command, async ({ access, call, print }) => {
        const cluster = valueOf(await access.cluster(call));
        print.value(cluster, () => clusterTable(cluster, print));
        return 0;
      }),
    );
};

/** `haagentctl topology`: the members as a tree of who replicates from whom. */
export const topology: Register = (program, run) => {
  program
    .command('topology')
    .description('show who replicates from whom')
    .action(async (_options, command) =>
      run(command, async ({ access, call, print }) => {
        const cluster = valueOf(await access.cluster(call));
        print.value(cluster, () => topologyTree(cluster, print));
        return 0;
      }),
    );
};
