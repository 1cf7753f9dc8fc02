/**
 * Within one session on one server nothing that was seen may vanish (invariant I20): the ids above `after` that one look
 * showed and the next one did not.
 */
export const vanished = (before: ReadonlySet<number>, now: readonly number[], after: number): readonly number[] => {
  const shown = new Set(now);
  return [...before].filter((id) => id > after && !shown.has(id));
};
