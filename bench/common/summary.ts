/** Values of repeats: the middle one counts, the others say how far to trust it. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** Throws `RangeError` without values. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((left, right) => left - right);
  const [least, most] = [sorted[0], sorted.at(-1)];
  if (least === undefined || most === undefined) throw new RangeError('Nothing was measured.');
  const middle = (sorted.length - 1) / 2;
  const [low, high] = [sorted[Math.floor(middle)] ?? least, sorted[Math.ceil(middle)] ?? most];
  return { median: (low + high) / 2, least, most };
}

/** `median (least–most)`; a single value stands alone. */
export function spreadText(values: readonly number[], show: (value: number) => string): string {
  const { median, least, most } = spreadOf(values);
  return values.length === 1 ? show(median) : `${show(median)} (${show(least)}–${show(most)})`;
}

/** What was measured in one round stands beside what was measured in the same round: ratios round by round. */
export function ratiosOf(values: readonly number[], others: readonly number[]): readonly number[] {
  return values.map((value, round) => value / (others[round] ?? Number.NaN));
}

export const whole = (value: number): string => Math.round(value).toLocaleString('en');
export const fixed = (digits: number) => (value: number) => value.toFixed(digits);
