/** A promise that was broken. Ends the run. */
export class Violation extends Error {
  /** Its id in the design: I1 to I21, or the rule D1 to D17 that was not kept. */
  readonly invariant: string;
  constructor(invariant: string, message: string) {
    super(`${invariant}: ${message}`);
    this.name = 'Violation';
    this.invariant = invariant;
  }
}
