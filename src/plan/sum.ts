/** What the items come to. */
export const sum = <T>(items: readonly T[], value: (item: T) => number): number =>
  items.reduce((total, item) => total + value(item), 0);

export const sumOf = (values: readonly number[]): number => sum(values, (value) => value);

/** 0 where there is nothing. */
export const mean = (values: readonly number[]): number => (values.length === 0 ? 0 : sumOf(values) / values.length);

/** Rounded to hundredths, so that it is short where it travels. */
export const hundredths = (value: number): number => Math.round(value * 100) / 100;
