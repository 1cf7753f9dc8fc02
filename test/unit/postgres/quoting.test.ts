import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  conninfo,
  quoteAccess,
  quoteConninfo,
  quoteIdentifier,
  quoteLiteral,
  quotePassfile,
  quoteSetting,
} from '../../../src/adapters/postgres/quoting.ts';

const text = fc.string({ unit: 'binary' }).map((raw) => raw.replaceAll('\0', ''));
const line = text.map((raw) => raw.replaceAll(/[\r\n]/g, ''));

/** How each reader takes its notation apart again, written after the reader's own source. */
const readSetting = (quoted: string): string => {
  const inner = quoted.slice(1, -1);
  let out = '';
  for (let i = 0; i < inner.length; i += 1) {
    if (inner[i] === '\\' || (inner[i] === "'" && inner[i + 1] === "'")) i += 1;
    out += inner[i];
  }
  return out;
};

const readConninfo = (all: string): Record<string, string> => {
  const found: Record<string, string> = {};
  for (let i = 0; i < all.length; i += 1) {
    const equals = all.indexOf('=', i);
    const key = all.slice(i, equals).trim();
    let value = '';
    for (i = equals + 2; all[i] !== "'"; i += 1) {
      if (all[i] === '\\') i += 1;
      value += all[i];
    }
    found[key] = value;
  }
  return found;
};

describe('quoting', () => {
  it('gives back any value that went into a configuration file', () => {
    fc.assert(
      fc.property(line, (value) => {
        const quoted = quoteSetting(value);
        expect(readSetting(quoted)).toBe(value);
        expect(quoted.slice(1, -1).replaceAll(/\\.|''/gs, '')).not.toContain("'");
      }),
    );
  });

  it('gives back any value that went into a connection string, also inside a configuration file', () => {
    fc.assert(
      fc.property(line, line, (host, user) => {
        const all = conninfo({ host, user, port: 5432 });
        expect(readConninfo(all)).toEqual({ host, user, port: '5432' });
        expect(readConninfo(readSetting(quoteSetting(all)))).toEqual({ host, user, port: '5432' });
      }),
    );
  });

  it('never lets a value end its own quotes', () => {
    fc.assert(
      fc.property(line, (value) => {
        expect(quoteIdentifier(value).slice(1, -1).replaceAll('""', '')).not.toContain('"');
        expect(quoteAccess(value).slice(1, -1).replaceAll('""', '')).not.toContain('"');
        const literal = quoteLiteral(value).trim();
        const inner = literal.slice(literal.indexOf("'") + 1, -1);
        expect(inner.replaceAll(/\\\\|''/g, '')).not.toMatch(/['\\]/);
        expect(quotePassfile(value).replaceAll(/\\./gs, '')).not.toMatch(/[:\\]/);
      }),
    );
  });

  it.each([
    ['a configuration value', () => quoteSetting('a\nb')],
    ['an SQL string', () => quoteLiteral('a\0b')],
    ['an SQL name', () => quoteIdentifier('a\0b')],
    ['a connection parameter', () => quoteConninfo('a\0b')],
    ['an access rule', () => quoteAccess('a\nb')],
    ['a password file', () => quotePassfile('a\nb')],
  ])('refuses what %s cannot carry', (_, quote) => {
    expect(quote).toThrow(TypeError);
  });
});
