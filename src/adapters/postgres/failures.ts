import { createFailures } from '../engine/failures.ts';

/** The programs speak in the C locale. */
export const { meaningOf, succeeded } = createFailures(
  [
    { text: /password authentication failed|no password supplied|fe_sendauth/, code: 'wrong-password' },
    { text: /No space left on device|Disk quota exceeded/, code: 'disk-full' },
    { text: /source and target clusters are from different systems/, code: 'other-cluster' },
  ],
  'check bin_dir',
);
