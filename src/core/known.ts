/** Not knowing is a value: "etcd did not answer" and "etcd says there is no leader" can never look alike. */
export type Known<T> =
  { readonly kind: 'known'; readonly value: T } | { readonly kind: 'unknown'; readonly why: string };

export const known = <T>(value: T): Known<T> => ({ kind: 'known', value });
export const unknown = (why: string): { readonly kind: 'unknown'; readonly why: string } => ({ kind: 'unknown', why });
