import { randomBytes } from 'node:crypto';
import type { MemberName, Ms } from '../../core/brand.ts';
import type { PromiseRequest } from '../../core/promise.ts';
import type { PeerAddress } from '../../ports/peers.ts';
import type { HttpClient } from './client.ts';
import { PROOF_HEADER, proofFits } from './proof.ts';
import { answerProof, parseAnswer, questionBody, questionProof, type WireAnswer } from './promise-wire.ts';

/** Asks members for a promise: `POST /failsafe` of each agent, in parallel. */
export const createPromiseAsker = (deps: {
  readonly client: HttpClient;
  readonly cluster: string;
  readonly secret: string | undefined;
}) => {
  const no = (why: string): WireAnswer => ({ promised: false, why });

  const askOne = async (
    member: PeerAddress,
    request: PromiseRequest,
    call: { readonly timeout: Ms; readonly signal: AbortSignal },
  ): Promise<WireAnswer> => {
    const { cluster, secret } = deps;
    if (secret === undefined) return no('api.peers_secret is not set, so nobody could prove who asks');
    const question = { ...request, nonce: randomBytes(18).toString('base64url') };
    const outcome = await deps.client.request({
      method: 'POST',
      url: `${member.url.replace(/\/+$/, '')}/failsafe`,
      headers: { 'content-type': 'application/json', [PROOF_HEADER]: questionProof(secret, cluster, question) },
      body: questionBody(cluster, question),
      ...call,
    });
    if (outcome.kind === 'failed') return no(outcome.why);
    if (outcome.status !== 200) return no(`answered with HTTP ${outcome.status}`);
    const proof = outcome.headers[PROOF_HEADER] ?? '';
    if (!proofFits(proof, answerProof(secret, cluster, question.nonce, outcome.body)))
      return no("answered without the proof that it knows the members' secret");
    return parseAnswer(outcome.body) ?? no('answered with something that is no answer');
  };

  return async (
    members: readonly PeerAddress[],
    request: PromiseRequest,
    call: { readonly timeout: Ms; readonly signal: AbortSignal },
  ): Promise<ReadonlyMap<MemberName, WireAnswer>> =>
    new Map(
      await Promise.all(members.map(async (member) => [member.name, await askOne(member, request, call)] as const)),
    );
};
