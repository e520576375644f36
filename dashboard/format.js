const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const oneDigit = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const percent = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 1 });
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });

/** What stands where nothing was measured yet. */
export const nothing = '–';

/** @param {number | null | undefined} value */
export const formatCount = (value) => (value === null || value === undefined ? nothing : whole.format(value));

/** @param {number | null | undefined} value */
export function formatRate(value) {
  if (value === null || value === undefined) return nothing;
  return value < 100 ? oneDigit.format(value) : whole.format(value);
}

/** Rounded, but never up to all nor down to nothing. @param {number} part @param {number} total */
export function formatShare(part, total) {
  if (total === 0) return nothing;
  const share = part / total;
  if (share > 0 && share < 0.001) return `<${percent.format(0.001)}`;
  if (share > 0.999 && share < 1) return `>${percent.format(0.999)}`;
  return percent.format(share);
}

/** @param {number | null | undefined} seconds */
export function formatDuration(seconds) {
  if (seconds === null || seconds === undefined) return nothing;
  if (seconds < 10) return `${oneDigit.format(seconds)} s`;
  const total = Math.round(seconds);
  if (total < 60) return `${total} s`;
  const minutes = Math.floor(total / 60);
  if (minutes < 60) return `${minutes} min ${String(total % 60).padStart(2, '0')} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

/** How long it may take. @param {import('./api.js').Interval} interval */
export const formatSpan = ({ least, most }) => `${formatDuration(least)} to ${formatDuration(most)}`;

/** When something ends that takes so long from now. @param {import('./api.js').Interval} secondsLeft @param {number} nowMs */
export function formatEnd({ least, most }, nowMs) {
  const format = most < 20 * 3_600 ? clock : moment;
  return format.formatRange(new Date(nowMs + least * 1_000), new Date(nowMs + most * 1_000));
}

/** @param {number} bytes */
export function formatBytes(bytes) {
  const units = ['bytes', 'KB', 'MB', 'GB', 'TB'];
  const step = Math.min(units.length - 1, bytes < 1_000 ? 0 : Math.floor(Math.log10(bytes) / 3));
  return `${oneDigit.format(bytes / 1_000 ** step)} ${units[step]}`;
}

/** @param {string} iso */
export function formatMoment(iso) {
  const date = new Date(iso);
  return Number.isNaN(date.getTime()) ? nothing : moment.format(date);
}

/** Words for the outcomes of rows, in the order in which they are shown. */
export const outcomeWords = new Map([
  ['created', 'Created'],
  ['updated', 'Updated'],
  ['upserted', 'Upserted'],
  ['deleted', 'Deleted'],
  ['unchanged', 'Unchanged'],
  ['alreadyAbsent', 'Already absent'],
  ['rejected', 'Rejected'],
  ['unknown', 'Unknown'],
  ['notAttempted', 'Not attempted'],
]);
