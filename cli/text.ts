/** Small formatters that every view shares; all pure, always in English notation. */

const wholeNumber = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** `138,398` */
export function formatCount(count: number): string {
  return wholeNumber.format(count);
}

/** `37.0 %`; an empty whole counts as done. A share below one is never rounded up to 100 %. */
export function formatPercent(done: number, total: number): string {
  const share = total === 0 ? 1 : done / total;
  const tenths = share < 1 ? Math.min(999, Math.round(share * 1000)) : 1000;
  return `${(tenths / 10).toFixed(1)} %`;
}

/** `46 s`, `1:14 min`, `2:03:10 h` */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const twoDigits = (value: number) => String(value).padStart(2, '0');
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}:${twoDigits(whole % 60)} min`;
  return `${Math.floor(minutes / 60)}:${twoDigits(minutes % 60)}:${twoDigits(whole % 60)} h`;
}

/** `40 s to 1:02 min` */
export function formatRange(
  { least, most }: { readonly least: number; readonly most: number },
  format: (value: number) => string,
): string {
  return `${format(least)} to ${format(most)}`;
}

/** `9.0 MB` in decimal units. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 999.95 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? String(value) : value.toFixed(1)} ${units[unit] ?? ''}`;
}

/** `1 row`, `2 rows` */
export function formatNoun(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** Removes control characters, so that text from elsewhere cannot drive the terminal. */
export function printable(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');
}
