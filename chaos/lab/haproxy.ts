import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createService, type Service } from './service.ts';

export interface ProxyPorts {
  readonly primary: number;
  readonly replicas: number;
  readonly stats: number;
}

export interface ProxyServer {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly apiPort: number;
}

/**
 * The shipped configuration with a lab's addresses in it: what the lab measures is what users get.
 * Every `bind` is replaced by section (on `listen`), every backend's `server` lines by `servers`; the log goes to standard output.
 */
export const renderProxyConfig = (
  shipped: string,
  ports: ProxyPorts,
  servers: readonly ProxyServer[],
  listen = '127.0.0.1',
): string => {
  const bindPort = new Map([
    ['listen stats', ports.stats],
    ['frontend primary', ports.primary],
    ['frontend replicas', ports.replicas],
  ]);
  const serverLines = servers.map(
    ({ name, host, port, apiPort }) => `    server ${name} ${host}:${port} port ${apiPort}`,
  );
  let section = '';
  const body = shipped.split('\n').flatMap((line) => {
    if (/^[a-z]/.test(line)) section = line.trim();
    if (/^\s+server /.test(line)) return [];
    if (/^\s+log \//.test(line)) return ['    log stdout format iso local0'];
    if (/^\s+bind /.test(line)) {
      const port = bindPort.get(section);
      if (port === undefined)
        throw new Error(`deploy/haproxy.cfg binds a port in "${section}", which the lab does not know`);
      return [`    bind ${listen}:${port}`];
    }
    return /^\s+default-server /.test(line) ? [line, ...serverLines] : [line];
  });
  return body.join('\n');
};

/** deploy/haproxy.cfg */
export const readShippedConfig = (): string =>
  readFileSync(new URL('../../deploy/haproxy.cfg', import.meta.url), 'utf8');

/** HAProxy as a service that is not running yet. */
export const createProxy = (options: {
  readonly dir: string;
  readonly labDir: string;
  readonly ports: ProxyPorts;
  readonly servers: readonly ProxyServer[];
}): Service => {
  mkdirSync(options.dir, { recursive: true });
  const file = join(options.dir, 'haproxy.cfg');
  writeFileSync(file, renderProxyConfig(readShippedConfig(), options.ports, options.servers));
  return createService({
    file: 'haproxy',
    args: ['-db', '-f', file],
    cwd: options.dir,
    output: join(options.dir, 'log'),
    labDir: options.labDir,
    restartAfterMs: 1_000,
  });
};
