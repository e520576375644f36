/**
 * What a seed is about, by its last digits, so that a seed means the same when a family is added to those still free (all others are
 * `standard`): `elastic` tables, the `undo` of a create run, creates that `clash` with rows of the same alternate key, a `network` that is
 * slow and odd; a row that is `poison` to whatever sends it, an `outage` of the environment.
 */
export type Family = 'standard' | 'elastic' | 'undo' | 'clash' | 'network' | 'poison' | 'outage';

const byLastDigit: Readonly<Record<number, Family>> = { 0: 'elastic', 2: 'undo', 4: 'clash', 7: 'network' };
const byLastTwoDigits: Readonly<Record<number, Family>> = {
  11: 'poison',
  31: 'poison',
  61: 'poison',
  81: 'poison',
  21: 'outage',
  41: 'outage',
  71: 'outage',
  91: 'outage',
};

export const familyOf = (seed: number): Family => byLastTwoDigits[seed % 100] ?? byLastDigit[seed % 10] ?? 'standard';
