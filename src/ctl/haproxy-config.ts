import type { ClusterDocument, MemberDocument } from '../state/cluster-document.ts';

/**
 * An HAProxy configuration (2.4 and later) that sends writes to the leader and reads to the replicas, asking the agents.
 * `fastinter` and `fall 1` find a new leader within a second; `shutdown-sessions` ends sessions to a former one.
 */
export const haproxyConfig = (cluster: ClusterDocument): string =>
  `# HAProxy for cluster ${cluster.scope}. Writes: port 5000. Reads: port 5001. State: http://localhost:7000/
global
    maxconn 2000

defaults
    log global
    mode tcp
    retries 2
    timeout client 30m
    timeout connect 4s
    timeout server 30m
    timeout check 3s

listen stats
    mode http
    bind 127.0.0.1:7000
    stats enable
    stats uri /

${listen('primary', 5000, '/primary', cluster.members)}
${listen('replicas', 5001, '/replica', cluster.members)}`;

const listen = (name: string, port: number, path: string, members: readonly MemberDocument[]): string =>
  `listen ${name}
    bind *:${port}
    option httpchk OPTIONS ${path}
    http-check expect status 200
    default-server init-addr last,libc,none inter 1s fastinter 500ms downinter 500ms fall 1 rise 1 on-marked-down shutdown-sessions
${members.map(server).join('')}`;

/** A server line; the check goes to the agent, over TLS where its address says so. */
const server = ({ name, host, port, api_url: apiUrl }: MemberDocument): string => {
  const api = new URL(apiUrl);
  const tls = api.protocol === 'https:';
  const checkPort = api.port === '' ? (tls ? '443' : '80') : api.port;
  const address = bare(api.hostname) === bare(host) ? '' : ` addr ${bracketed(api.hostname)}`;
  return `    server ${name} ${bracketed(host)}:${port} check${address} port ${checkPort}${tls ? ' check-ssl verify none' : ''}\n`;
};

const bare = (host: string): string => host.replace(/^\[|\]$/g, '');
/** An IPv6 address in its brackets, everything else as it is. */
const bracketed = (host: string): string => (bare(host).includes(':') ? `[${bare(host)}]` : host);
