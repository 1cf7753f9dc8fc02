/** The limits that a load balancer can ask for in a health request: `/replica?lag=10MB&replication_state=streaming&tag_zone=a`. */
export interface HealthQuery {
  readonly lag: LagLimit | undefined;
  readonly replicationState: string | undefined;
  /** Each must equal the member's own; values are compared as lower case text, as Patroni does. */
  readonly tags: readonly (readonly [string, string])[];
  /** What `/readiness` measures: what was written safely, or what can be seen by queries. */
  readonly mode: 'apply' | 'write';
}

export type LagLimit =
  /** In the engine's own unit: bytes, or transactions. */
  | { readonly kind: 'amount'; readonly amount: number }
  | { readonly kind: 'bytes'; readonly bytes: number }
  | { readonly kind: 'age'; readonly ageMs: number }
  /** Could not be read. Health then answers 503: a limit that is not understood must not be ignored. */
  | { readonly kind: 'unreadable'; readonly text: string };

export const NO_LIMITS: HealthQuery = { lag: undefined, replicationState: undefined, tags: [], mode: 'apply' };

const BYTES: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1024,
  mb: 1024 ** 2,
  gb: 1024 ** 3,
  tb: 1024 ** 4,
};
const AGES: Readonly<Record<string, number>> = { ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 };

const LAG = /^(\d{1,15}(?:\.\d{1,6})?)\s*([a-z]{0,3})$/i;

/** Parses `10485760`, `10MB`, `16kB` or `5s`. */
const parseLagLimit = (text: string): LagLimit => {
  const match = LAG.exec(text.trim());
  const value = Number(match?.[1]);
  const unit = (match?.[2] ?? '').toLowerCase();
  if (match === null) return { kind: 'unreadable', text };
  if (unit === '') return { kind: 'amount', amount: value };
  const bytes = BYTES[unit];
  if (bytes !== undefined) return { kind: 'bytes', bytes: value * bytes };
  const age = AGES[unit];
  return age === undefined ? { kind: 'unreadable', text } : { kind: 'age', ageMs: value * age };
};

/** Parses what stands behind the `?`. Unknown names are left alone: load balancers add their own. */
export const parseHealthQuery = (search: string): HealthQuery => {
  if (search === '') return NO_LIMITS;
  const params = new URLSearchParams(search);
  const lag = params.get('lag');
  const tags: [string, string][] = [];
  for (const [name, value] of params) if (name.startsWith('tag_')) tags.push([name.slice(4), value]);
  return {
    lag: lag === null ? undefined : parseLagLimit(lag),
    replicationState: params.get('replication_state') ?? undefined,
    tags,
    mode: params.get('mode') === 'write' ? 'write' : 'apply',
  };
};
