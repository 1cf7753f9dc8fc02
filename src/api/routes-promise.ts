import type { FastifyInstance } from 'fastify';
import { PROOF_HEADER, proofFits } from '../adapters/http/proof.ts';
import { answerProof, parseQuestion, questionProof } from '../adapters/http/promise-wire.ts';
import type { ApiDeps, PromiseVerdict } from './deps.ts';
import { problem } from './problem.ts';
import { sendProblem } from './respond.ts';

/** POST /failsafe: a leader that lost etcd asks this member not to lead for a while (rule D15). For agents only. */
export const promiseRoute = (app: FastifyInstance, deps: ApiDeps): void => {
  app.post('/failsafe', async (request, reply) => {
    const secret = deps.options.peersSecret;
    const cluster = deps.status()?.cluster;
    if (secret === undefined || cluster === undefined)
      return sendProblem(
        reply,
        secret === undefined
          ? problem('forbidden', 'This agent has no api.peers_secret, so nobody can prove to be a member.', {
              hint: 'Set the same api.peers_secret on every member.',
            })
          : problem('not-ready', 'The agent has not looked at its database yet.', { hint: 'Ask again in a second.' }),
      );
    const question = parseQuestion(cluster, request.body);
    if (question === undefined)
      return sendProblem(reply, problem('usage', `The body is no question of the agents of cluster "${cluster}".`));
    const proof = request.headers[PROOF_HEADER];
    if (typeof proof !== 'string' || !proofFits(proof, questionProof(secret, cluster, question))) {
      deps.log.warn('api.unproven', "a question for a promise came without the proof of the members' secret", {
        address: request.ip,
      });
      return sendProblem(
        reply,
        problem('unauthorized', "The question does not prove knowledge of the members' secret."),
      );
    }
    const verdict: PromiseVerdict = (await deps.promise(question)) ?? {
      promised: false,
      why: 'its agent is still starting',
    };
    const body = JSON.stringify(verdict);
    return reply
      .header('cache-control', 'no-store')
      .header(PROOF_HEADER, answerProof(secret, cluster, question.nonce, body))
      .type('application/json')
      .send(body);
  });
};
