/**
 * Reads server-sent events piece by piece and hands on the `data` of each. Comments and other fields are skipped; a line
 * longer than any event of ours ends nothing but is dropped.
 */
export const createEventParser = (onData: (data: string) => void): ((chunk: string) => void) => {
  const LONGEST_LINE = 1_000_000;
  let rest = '';
  let data: string[] = [];
  return (chunk) => {
    const lines = (rest + chunk).split(/\r\n|\n/);
    rest = lines.pop() ?? '';
    if (rest.length > LONGEST_LINE) rest = '';
    for (const line of lines) {
      if (line.startsWith('data:')) data.push(line.slice(5).trimStart());
      else if (line === '' && data.length > 0) {
        onData(data.join('\n'));
        data = [];
      }
    }
  };
};
