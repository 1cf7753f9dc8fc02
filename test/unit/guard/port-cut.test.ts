import { expect, test } from 'vitest';
import { createPortCut, portOf, rulesOf, tableOf } from '../../../src/guard/port-cut.ts';

const programs = (results: Readonly<Record<string, readonly boolean[]>>, sockets = '') => {
  const ran: string[] = [];
  const left = new Map(Object.entries(results).map(([file, done]) => [file, [...done]]));
  const cut = createPortCut(portOf(5432, '*'), '/data', ({ file, args, input }) => {
    ran.push(`${file} ${args.join(' ')} ${input ?? ''}`);
    const done = left.get(file)?.shift() ?? false;
    return Promise.resolve({ done, said: done ? '' : `${file} may not`, output: args.includes('-K') ? '' : sockets });
  });
  return { cut, ran };
};

test('a server that listens on addresses is cut off there, any other wherever it is', () => {
  expect(portOf(5432, '10.0.0.1, ::1')).toEqual({ port: 5432, addresses: ['10.0.0.1', '::1'] });
  for (const listen of ['*', '', '0.0.0.0', '::', 'localhost', '10.0.0.1,db.example'])
    expect(portOf(5432, listen).addresses).toEqual([]);
  const rules = rulesOf('t', portOf(5432, '10.0.0.1,fd00::1'), 'drop');
  for (const rule of [
    'ip daddr 10.0.0.1 tcp dport 5432 drop',
    'ip6 daddr fd00::1 tcp dport 5432 drop',
    'ip saddr 10.0.0.1 tcp sport 5432 tcp flags & rst == 0 drop',
  ])
    expect(rules).toContain(rule);
  expect(rulesOf('t', portOf(5432, '*'), 'reject with tcp reset')).toContain(
    '\n    tcp dport 5432 reject with tcp reset',
  );
});

test('every database has rules of its own', () => {
  expect(tableOf('/a')).toMatch(/^haagent_[0-9a-f]{12}$/);
  expect(tableOf('/a')).not.toBe(tableOf('/b'));
});

test('with both programs nothing gets in or out, and it is said how to undo it by hand', async () => {
  const { cut, ran } = programs({ nft: [true], ss: [true, true] }, 'TIME-WAIT 0 0 a b\n');
  const outcome = await cut.cut();
  expect(outcome).toMatchObject({
    cut: true,
    how: expect.stringContaining(`nft delete table inet ${tableOf('/data')}`),
  });
  expect(outcome).not.toHaveProperty('problem');
  expect(ran[1]).toContain('ss -K -H -t -a -n sport = :5432');
  expect(outcome).toMatchObject({ how: expect.stringContaining('ss ended the connections') });
});

test('where nothing can be refused, everything is dropped', async () => {
  const { cut, ran } = programs({ nft: [false, true], ss: [false] });
  expect(await cut.cut()).toMatchObject({ cut: true });
  expect(ran[1]).toContain('dport 5432 drop');
});

test('without nft only the connections that are there are ended, and it is said what is missing', async () => {
  const { cut } = programs({ nft: [], ss: [true, true] });
  expect(await cut.cut()).toEqual({
    cut: true,
    how: 'ss ended the connections',
    problem: expect.stringMatching(
      /new connections are not kept away .*install nftables and give the guard CAP_NET_ADMIN/,
    ),
  });
});

test('what ss was not allowed to end, without a word, is not taken for ended', async () => {
  const { cut } = programs({ nft: [], ss: [true, true] }, 'LISTEN 0 511 *:5432 *:*\nESTAB 0 0 a b\n');
  expect(await cut.cut()).toEqual({ cut: false, why: expect.stringContaining('2 sockets are left') });
});

test('without either program nothing is claimed', async () => {
  const { cut } = programs({});
  expect(await cut.cut()).toEqual({ cut: false, why: expect.stringMatching(/nft may not.*ss may not/) });
  expect(await cut.restore()).toBe('nft may not');
  expect(await cut.isCut()).toBe(false);
});
