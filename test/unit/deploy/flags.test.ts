import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { AGENT_FLAGS } from '../../../src/adapters/os/node-flags.ts';

test.each(['deploy/haagent.service', 'Dockerfile'])('%s starts the agent with the flags that are measured', (file) => {
  const text = readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8');
  expect(text).toContain(`node ${AGENT_FLAGS.join(' ')} /opt/haagent/dist/bin/haagent.js`);
});
