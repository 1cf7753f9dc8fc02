import type { MemberName } from '../core/brand.ts';
import type { Known } from '../core/known.ts';
import type { PeerAnswer } from '../core/memory.ts';
import type { ClusterView } from '../core/model.ts';
import type { Position, PositionAlgebra } from '../core/position.ts';
import type { LiveOf } from './cluster-document.ts';

/**
 * Each member's state, position and lag from answers that were asked for at the same time: every lag is measured against the
 * leader's answer (its published heartbeat where it did not answer), so that all agents say the same.
 */
export const liveMembers = (
  view: ClusterView,
  answers: ReadonlyMap<MemberName, Known<PeerAnswer>>,
  positions: PositionAlgebra,
): LiveOf => {
  const answerOf = (name: MemberName | undefined): PeerAnswer | undefined => {
    const answer = name === undefined ? undefined : answers.get(name);
    return answer?.kind === 'known' ? answer.value : undefined;
  };
  const reference = answerOf(view.leader?.value)?.position ?? view.heartbeat?.value.position;
  return (member) => {
    const answer = answerOf(member);
    return {
      state: answer?.state,
      position: answer?.position,
      lag: lagBehind(answer?.applied ?? answer?.position, reference, positions),
    };
  };
};

const lagBehind = (
  own: Position | undefined,
  reference: Position | undefined,
  positions: PositionAlgebra,
): number | undefined =>
  own === undefined || reference === undefined || positions.compare(own, reference) === 'diverged'
    ? undefined
    : positions.distance(own, reference);
