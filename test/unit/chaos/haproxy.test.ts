import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { renderProxyConfig } from '../../../chaos/lab/haproxy.ts';

const shipped = readFileSync(new URL('../../../deploy/haproxy.cfg', import.meta.url), 'utf8');
const ports = { primary: 15_000, replicas: 15_001, stats: 17_000 };

test('the shipped configuration is used with the addresses of the lab', () => {
  const config = renderProxyConfig(shipped, ports, [{ name: 'pg1', host: '127.0.0.1', port: 15_431, apiPort: 18_011 }]);
  expect(config.match(/^ +server .*$/gm)).toEqual([
    '    server pg1 127.0.0.1:15431 port 18011',
    '    server pg1 127.0.0.1:15431 port 18011',
  ]);
  expect(config.match(/^ +bind .*$/gm)).toEqual([
    '    bind 127.0.0.1:17000',
    '    bind 127.0.0.1:15000',
    '    bind 127.0.0.1:15001',
  ]);
  expect(config).toContain('option httpchk OPTIONS /primary');
});

test('a section that the lab does not know is an error, not an open port', () => {
  expect(() => renderProxyConfig('frontend other\n    bind :1\n', ports, [])).toThrow('frontend other');
});
