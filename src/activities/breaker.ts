import type { RowOutcome } from '../plan/outcome.ts';

/** Watches consecutive rows of a lane for a fault that concerns every row. */
export interface Breaker {
  /** Takes the outcomes of further rows, in any order; says why the run has to stop, once it has to. */
  readonly note: (outcomes: readonly RowOutcome[]) => string | undefined;
}

const isTaken = ({ outcome, rejection }: RowOutcome): boolean => rejection === undefined && outcome !== 'notAttempted';

/** Trips when `inARow` rows in a row were rejected with one code. Rows that were not attempted say nothing. */
export function createBreaker(inARow: number): Breaker {
  let code: string | undefined;
  let count = 0;
  return {
    note(outcomes) {
      if (outcomes.every(isTaken)) {
        if (outcomes.length > 0) [code, count] = [undefined, 0];
        return undefined;
      }
      for (const { outcome, ...settled } of outcomes.toSorted((left, right) => left.row - right.row)) {
        if (outcome === 'notAttempted') continue;
        const rejection = outcome === 'rejected' ? settled.rejection : undefined;
        count = rejection !== undefined && rejection.code === code ? count + 1 : 1;
        code = rejection?.code;
        // Without the message: it may quote a value, and this goes into the orchestration's history.
        if (rejection !== undefined && count >= inARow)
          return `${count} rows in a row, up to row ${settled.row}, were rejected with ${rejection.code}; the failures of the run say why.`;
      }
      return undefined;
    },
  };
}
