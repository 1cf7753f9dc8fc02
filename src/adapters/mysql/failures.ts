import { createFailures } from '../engine/failures.ts';

export const { meaningOf, succeeded } = createFailures(
  [
    { text: /Access denied for user/, code: 'wrong-password' },
    { text: /No space left on device|Disk quota exceeded|disk full/i, code: 'disk-full' },
  ],
  'is the package installed, and bin_dir right?',
);
