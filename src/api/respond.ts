import type { FastifyReply } from 'fastify';
import type { OperationResult } from '../ports/operations.ts';
import { toJson } from './json.ts';
import { problem, PROBLEM_TYPE, type Problem } from './problem.ts';

const STATUS = { done: 200, 'would-do': 200, scheduled: 202, accepted: 202 } as const;

export const sendJson = (reply: FastifyReply, status: number, value: unknown): FastifyReply =>
  reply.code(status).header('cache-control', 'no-store').type('application/json').send(toJson(value));

export const sendProblem = (reply: FastifyReply, what: Problem): FastifyReply =>
  reply.code(what.status).header('cache-control', 'no-store').type(PROBLEM_TYPE).send(toJson(what));

/** Answers with what an operation came to: 200 done or dry run, 202 recorded, or a problem with the reasons. */
export const sendResult = (reply: FastifyReply, result: OperationResult): FastifyReply =>
  result.kind === 'refused'
    ? sendProblem(
        reply,
        problem(result.code, result.message, {
          hint: result.hint,
          details: result.details ?? [],
          candidates: result.candidates,
        }),
      )
    : sendJson(reply, STATUS[result.kind], { result: result.kind, message: result.message, data: result.data });
