import type { StoreError } from '../../ports/consensus.ts';

/** How one try at one endpoint failed, and what follows from it. Everything known about etcd's error texts is in this file. */
export interface Fault {
  readonly code: StoreError['code'];
  /** What the server or the transport said, in plain words; never a secret. */
  readonly details: string;
  /**
   * Was the request executed? `no`: surely not. `maybe`: it may have been, or may yet be. `settled`: the server has dealt
   * with it, and reading tells which (a full etcd executes the write that fills it AND answers with an error).
   */
  readonly executed: 'no' | 'maybe' | 'settled';
  /** What a call that may be repeated does next: give up, try another endpoint, or the same one after logging in again. */
  readonly next: 'stop' | 'elsewhere' | 'login';
  /** The connection cannot be trusted any more and is thrown away. */
  readonly drop: boolean;
}

/** A gRPC status as it came off the wire. */
export interface Status {
  readonly code: number;
  readonly details: string;
}

type Verdict = Omit<Fault, 'details'>;

const stop = (code: Fault['code']): Verdict => ({ code, executed: 'no', next: 'stop', drop: false });
const loginAgain: Verdict = { code: 'auth', executed: 'no', next: 'login', drop: true };
const neverSent = (code: Fault['code']): Verdict => ({ code, executed: 'no', next: 'elsewhere', drop: true });
const uncertain = (code: Fault['code']): Verdict => ({ code, executed: 'maybe', next: 'elsewhere', drop: true });

/** etcd's own words. They come before the gRPC code, which differs between etcd's releases. */
const BY_TEXT: readonly (readonly [text: string, verdict: Verdict])[] = [
  ['database space exceeded', { code: 'no-space', executed: 'settled', next: 'stop', drop: false }],
  ['requested lease not found', stop('lease-gone')],
  ['invalid auth token', loginAgain],
  ['revision of auth store is old', loginAgain],
  ['user name is empty', stop('auth')],
  ['authentication failed', stop('auth')],
  ['permission denied', stop('auth')],
  ['duplicate key given', stop('invalid')],
  ['too many operations', stop('invalid')],
  ['request is too large', stop('invalid')],
  ['key is not provided', stop('invalid')],
  ['too large lease TTL', stop('invalid')],
  ['too many requests', { code: 'unavailable', executed: 'no', next: 'elsewhere', drop: false }],
  ['no leader', { code: 'unavailable', executed: 'maybe', next: 'elsewhere', drop: false }],
  ['leader changed', { code: 'unavailable', executed: 'maybe', next: 'elsewhere', drop: false }],
  ['request timed out', { code: 'unavailable', executed: 'maybe', next: 'elsewhere', drop: false }],
];

const BY_CODE: Readonly<Record<number, Verdict>> = {
  1: uncertain('cancelled'),
  3: stop('invalid'),
  4: uncertain('deadline'),
  7: stop('auth'),
  12: stop('internal'),
  14: uncertain('unavailable'),
  16: loginAgain,
};

/** grpc-js says so before it has put the request on any connection. */
const NOT_SENT = [
  'No connection established',
  'Channel closed before call started',
  'Name resolution failed',
  'Failed to start HTTP/2 stream',
];
const WAITED_FOR_CONNECTION = /Waiting for LB pick|waiting for name resolution|waiting for metadata filters/u;
const CERTIFICATE = /certificate|CERT_|altname|ERR_TLS|ERR_SSL|SSL routines|tlsv1 alert|EPROTO/iu;

/** Says what a failed try means. Unknown texts and codes end on the careful side: maybe executed. */
export const faultOf = (status: Status): Fault => ({ ...verdictOf(status), details: plain(status) });

const verdictOf = ({ code, details }: Status): Verdict => {
  if ((code === 14 || code === 13) && NOT_SENT.some((text) => details.startsWith(text)))
    return neverSent(CERTIFICATE.test(details) ? 'auth' : 'unavailable');
  if (code === 4 && WAITED_FOR_CONNECTION.test(details) && !details.includes('remote_addr='))
    return neverSent('deadline');
  return BY_TEXT.find(([text]) => details.includes(text))?.[1] ?? BY_CODE[code] ?? uncertain('internal');
};

const plain = ({ code, details }: Status): string => {
  if (code === 14 && CERTIFICATE.test(details))
    return `TLS failed (${connectionCause(details)}); check the CA, the certificate and its names`;
  if (code === 4 && details.startsWith('Deadline exceeded'))
    return WAITED_FOR_CONNECTION.test(details) ? 'no connection in time' : 'no answer in time';
  if (details.startsWith('No connection established')) return `no connection (${connectionCause(details)})`;
  return details === '' ? `gRPC status ${code}` : details;
};

const connectionCause = (details: string): string =>
  /Last error: (?:Error: )?(?<cause>.*?)\. Resolution note/u.exec(details)?.groups?.['cause'] ?? details;

/** What stopped the call from our side. */
export const cancelledFault = (why: string, executed: 'no' | 'maybe'): Fault => ({
  code: 'cancelled',
  details: why,
  executed,
  next: 'stop',
  drop: false,
});
