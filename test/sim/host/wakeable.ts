/** Work that repeats at the pace it asks for, is done at once when woken, and never twice at the same time. */
export const wakeable = (
  later: (delay: number, what: () => void) => () => void,
  work: (done: (again: number) => void) => void,
): { readonly wake: () => void } => {
  let working = false;
  let again = false;
  let cancel = (): void => {};
  const begin = (): void => {
    cancel();
    if (working) {
      again = true;
      return;
    }
    working = true;
    work((pause) => {
      working = false;
      cancel = later(again ? 0 : pause, begin);
      again = false;
    });
  };
  return { wake: begin };
};
