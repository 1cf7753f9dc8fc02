import type { IKeyValue, ICompare, IRequestOp, ITxnRequest, ITxnResponse } from 'etcd3';
import { leaseId, revision, type Revision } from '../../core/brand.ts';
import type { KeyValue, Transaction, Write } from '../../ports/consensus.ts';

/** Between the port's values and etcd's messages. */

/** The smallest range that holds every key with this prefix; an empty prefix means all keys. */
export const rangeOf = (prefix: string): { readonly key: Buffer; readonly range_end: Buffer } => {
  const key = Buffer.from(prefix);
  const end = Buffer.from(key);
  for (let i = end.length - 1; i >= 0; i--) {
    const byte = end[i] ?? 0;
    if (byte < 0xff) {
      end[i] = byte + 1;
      return { key, range_end: end.subarray(0, i + 1) };
    }
  }
  return { key: key.length === 0 ? Buffer.from([0]) : key, range_end: Buffer.from([0]) };
};

/** 64-bit numbers come as decimal strings. */
export const revisionOf = (text: string): Revision => revision(BigInt(text));

export const keyValueOf = (kv: IKeyValue): KeyValue => ({
  key: kv.key.toString(),
  value: kv.value.toString(),
  createRevision: revisionOf(kv.create_revision),
  modRevision: revisionOf(kv.mod_revision),
  lease: kv.lease === '0' ? undefined : leaseId(kv.lease),
});

/** A refused transaction reads what it compared, in the same step. */
export const txnRequestOf = (txn: Transaction): ITxnRequest => ({
  compare: txn.compare.map(compareOf),
  success: txn.writes.map(writeOf),
  failure: txn.compare.map(({ key }) => ({ request_range: { key: Buffer.from(key) } })),
});

/** The same comparisons without the writes: tells whether they still hold. */
export const checkRequestOf = (txn: Transaction): ITxnRequest => ({ ...txnRequestOf(txn), success: [] });

/** What the compared keys hold; keys that are absent are left out. */
export const foundIn = (response: ITxnResponse): readonly KeyValue[] =>
  response.responses.flatMap((op) => op.response_range.kvs.map(keyValueOf));

const compareOf = (wanted: Transaction['compare'][number]): ICompare => ({
  key: Buffer.from(wanted.key),
  target: 'Mod',
  result: 'Equal',
  mod_revision: wanted.modRevision.toString(),
});

const writeOf = (write: Write): IRequestOp =>
  write.kind === 'delete'
    ? { request_delete_range: { key: Buffer.from(write.key) } }
    : {
        request_put: {
          key: Buffer.from(write.key),
          value: Buffer.from(write.value),
          ...(write.lease === undefined ? {} : { lease: write.lease }),
        },
      };
