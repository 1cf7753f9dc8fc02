import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { ms, parseInstanceId, parseMemberName, type MemberName, type Ms } from '../../core/brand.ts';
import { known, unknown, type Known } from '../../core/known.ts';
import type { PeerAnswer } from '../../core/memory.ts';
import { MEMBER_STATES, type DatabaseRole, type MemberState } from '../../core/model.ts';
import type { PositionAlgebra } from '../../core/position.ts';
import type { PeerAddress, Peers } from '../../ports/peers.ts';
import { createHttpClient, type HttpClientOptions } from './client.ts';
import { askRefusals } from './refusal.ts';
import { createPromiseAsker } from './promise-asker.ts';
import { NONCE_HEADER, PROOF_HEADER, proofFits, proofOf } from './proof.ts';

export interface PeersDeps {
  /** The cluster that an answer must come from. */
  readonly cluster: string;
  readonly positions: PositionAlgebra;
  /** When set, an answer without the right proof is no answer. */
  readonly secret?: string;
  readonly tls?: HttpClientOptions['tls'];
}

const MOST_BYTES = 1_000_000;

const ROLES = { primary: true, replica: true, none: true } as const satisfies Record<DatabaseRole, true>;

const isState = (text: string): text is MemberState => MEMBER_STATES.some((state) => state === text);
const isRole = (text: string): text is DatabaseRole => Object.hasOwn(ROLES, text);

/** What is used of `GET /status`; everything else in it is ignored. */
const statusSchema = z.object({
  cluster: z.string(),
  name: z.string(),
  instance: z.string(),
  state: z.string(),
  role: z.string(),
  position: z.unknown().optional(),
  applied: z.unknown().optional(),
  leads: z.boolean(),
  eligible: z.boolean().optional(),
  unfit: z.string().max(1_000).optional(),
  now: z.object({ leader: z.boolean(), looked_ms_ago: z.number().nonnegative().optional() }),
});

/** Creates the port over HTTP: `GET /status` of each member's agent, in parallel, on kept connections. */
export const createPeers = (deps: PeersDeps): Peers => {
  const client = createHttpClient({ maxBytes: MOST_BYTES, ...(deps.tls === undefined ? {} : { tls: deps.tls }) });

  const askOne = async (member: PeerAddress, timeout: Ms, signal: AbortSignal): Promise<Known<PeerAnswer>> => {
    const nonce = randomBytes(18).toString('base64url');
    const outcome = await client.request({
      method: 'GET',
      url: `${member.url.replace(/\/+$/, '')}/status`,
      headers: { [NONCE_HEADER]: nonce },
      timeout: ms(timeout),
      signal,
    });
    if (outcome.kind === 'failed') return unknown(outcome.why);
    if (outcome.status !== 200) return unknown(`answered with HTTP ${outcome.status}`);
    if (deps.secret !== undefined) {
      const proof = outcome.headers[PROOF_HEADER] ?? '';
      if (!proofFits(proof, proofOf(deps.secret, deps.cluster, nonce, outcome.body)))
        return unknown("answered without the proof that it knows the members' secret");
    }
    return parseAnswer(outcome.body, member.name, deps);
  };

  return {
    async ask(members, { timeout, signal }) {
      const answers = await Promise.all(
        members.map(async (member) => [member.name, await askOne(member, timeout, signal)] as const),
      );
      return new Map<MemberName, Known<PeerAnswer>>(answers);
    },
    askPromises: createPromiseAsker({ client, cluster: deps.cluster, secret: deps.secret }),
    refusals: askRefusals,
    async close() {
      client.close();
    },
  };
};

/** Checks and types an answer. Total: whatever came, the result says what it was or why it is not believed. */
export const parseAnswer = (
  body: string,
  asked: MemberName,
  deps: { readonly cluster: string; readonly positions: PositionAlgebra },
): Known<PeerAnswer> => {
  let raw: unknown;
  try {
    raw = JSON.parse(body);
  } catch {
    return unknown('answered with something that is not JSON');
  }
  const parsed = statusSchema.safeParse(raw);
  if (!parsed.success) return unknown(`answered with a status that cannot be used: ${z.prettifyError(parsed.error)}`);
  const { data } = parsed;
  const instance = parseInstanceId(data.instance);
  if (data.cluster !== deps.cluster) return unknown('answered for another cluster');
  if (parseMemberName(data.name) !== asked) return unknown('answered as another member');
  if (instance === undefined || !isState(data.state) || !isRole(data.role))
    return unknown('answered with an instance, state or role that does not exist');
  return known({
    name: asked,
    instance,
    state: data.state,
    role: data.role,
    position: deps.positions.parse(data.position),
    applied: deps.positions.parse(data.applied),
    leads: data.leads,
    holdsRight: data.now.leader && data.role === 'primary',
    eligible: data.eligible ?? false,
    ...(data.unfit === undefined ? {} : { unfit: data.unfit }),
    ...(data.now.looked_ms_ago === undefined ? {} : { lookedAgo: data.now.looked_ms_ago }),
  });
};
