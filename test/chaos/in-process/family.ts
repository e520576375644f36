/**
 * What a seed is about, by its last digit, so that a seed means the same when a family is added to the digits still free (all others are
 * `standard`): `elastic` tables, the `undo` of a create run, creates that `clash` with rows of the same alternate key, a `network` that is
 * slow and odd.
 */
export type Family = 'standard' | 'elastic' | 'undo' | 'clash' | 'network';

const byLastDigit: Readonly<Record<number, Family>> = { 0: 'elastic', 2: 'undo', 4: 'clash', 7: 'network' };

export const familyOf = (seed: number): Family => byLastDigit[seed % 10] ?? 'standard';
