/** Keeps the first and the last part of a long output: the beginning says what was done, the end how it ended. */
export interface CappedText {
  add(chunk: Buffer): void;
  text(): string;
}

/** At most `limit` bytes are kept; what is left out in the middle is counted in the text. */
export const createCappedText = (limit: number): CappedText => {
  const half = Math.floor(limit / 2);
  let head = Buffer.alloc(0);
  let tail = Buffer.alloc(0);
  let total = 0;
  return {
    add: (chunk) => {
      total += chunk.length;
      const toHead = chunk.subarray(0, half - head.length);
      if (toHead.length > 0) head = Buffer.concat([head, toHead]);
      const rest = chunk.subarray(toHead.length);
      if (rest.length > 0) tail = Buffer.concat([tail, rest]).subarray(-half);
    },
    text: () => {
      const left = total - head.length - tail.length;
      if (left === 0) return Buffer.concat([head, tail]).toString('utf8');
      return `${head.toString('utf8')}\n… ${left} bytes left out …\n${tail.toString('utf8')}`;
    },
  };
};
