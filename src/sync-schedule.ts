/** One field of an NCRONTAB expression (learn.microsoft.com/azure/azure-functions/functions-bindings-timer#ncrontab-expressions). */
interface Field {
  readonly name: string;
  readonly least: number;
  readonly most: number;
  /** Names for the values from `least` on. */
  readonly names?: readonly string[];
}

const fields: readonly Field[] = [
  { name: 'a second', least: 0, most: 59 },
  { name: 'a minute', least: 0, most: 59 },
  { name: 'an hour', least: 0, most: 23 },
  { name: 'a day', least: 1, most: 31 },
  {
    name: 'a month',
    least: 1,
    most: 12,
    names: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
  },
  { name: 'a weekday', least: 0, most: 6, names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] },
];

/**
 * What is wrong with a schedule, or undefined. The Functions host would only note that the timer cannot be indexed, and syncs would
 * never start.
 */
export function scheduleFault(expression: string): string | undefined {
  const given = expression.trim().split(/\s+/);
  if (given.length !== fields.length)
    return `must have six fields (second minute hour day month weekday), it has ${given.length}`;
  const wrong = fields.find((field, at) => !isField(given[at] ?? '', field));
  return wrong === undefined ? undefined : `has ${wrong.name} that NCRONTAB does not know`;
}

// Lists of values, spans and steps: `0,30`, `9-17`, `*/5`, `mon-fri`.
function isField(text: string, field: Field): boolean {
  return text.split(',').every((item) => {
    const [, span = '', step] = /^([^/]+)(?:\/(\d{1,2}))?$/.exec(item) ?? [];
    if (step !== undefined && Number(step) === 0) return false;
    if (span === '*') return true;
    const ends = span.split('-').map((value) => valueOf(value, field));
    return ends.length <= 2 && (ends[0] ?? Infinity) <= (ends.at(-1) ?? -Infinity);
  });
}

function valueOf(text: string, { least, most, names = [] }: Field): number | undefined {
  const named = names.findIndex((name) => text.toLowerCase().startsWith(name));
  const value = named >= 0 ? least + named : /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN;
  return value >= least && value <= most ? value : undefined;
}
