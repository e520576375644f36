/**
 * A slice whose lane is never heard of again, time after time: it may kill the process that sends it. Each life that begins where one before it
 * began is counted in the mark it finds there.
 */

/** Lives that a slice gets among others; then it may be a neighbour that kills them, and it waits until it can be tried alone. */
export const mostLives = 5;
/** Lives in all; those behind `mostLives` are alone. Then the slice is given up. */
export const mostLivesInAll = 8;
/** Lives of a look at the rows of a slice that was given up. Then it is closed without a look. */
export const mostLooks = 3;
/** Lives of whatever closes it. Then its rows are left out of the books. */
export const mostLooksInAll = 6;
/** A run that has to give up more slices ends: what kills them is no matter of single rows. */
export const mostGivenUp = 20;

/** What a life is counted for, and in which mark: the one of that row, or the one left when it was due again. */
export interface LifeMark {
  readonly of: 'lane' | 'look';
  readonly firstRow: number;
  readonly dueAt?: string;
}

export const givenUpText = (slices: number): string =>
  `${slices === 1 ? 'A slice was' : `${slices} slices were`} given up, because whatever sent ${slices === 1 ? 'it' : 'them'} was never heard of again, ` +
  `${mostLivesInAll} times; the rows were looked up.`;
