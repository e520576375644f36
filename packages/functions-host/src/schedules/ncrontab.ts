import { Cron } from 'croner';
import { parseTimeSpan } from '../settings/host-json.ts';

/** When a timer trigger fires. */
export interface Schedule {
  /** First time strictly after `afterMs`, in milliseconds; undefined if there is none any more. */
  next(afterMs: number): number | undefined;
  /** False for schedules that can fire more than once a minute: Azure keeps no status for those. */
  readonly isMonitored: boolean;
}

const numericField = /^[\d*,/-]+$/u;
const namedField = /^[\da-z*,/-]+$/iu;
/** The largest value of each field; `5/15` means from 5 up to it (github.com/atifaziz/NCrontab, CrontabField.cs). */
const largestOf = [59, 59, 23, 31, 12, 6];
/** Months and weekdays may be names. */
const firstNamedField = 4;

/**
 * Reads an NCRONTAB expression of five or six fields (seconds first), or a TimeSpan for a plain interval
 * (learn.microsoft.com/azure/azure-functions/functions-bindings-timer). Day of month and day of week must both fit, unlike in Unix
 * cron; weekdays are 0 to 6. Throws an Error that names the fault.
 */
export function parseSchedule(expression: string, timeZone?: string): Schedule {
  const intervalMs = parseTimeSpan(expression);
  if (intervalMs !== undefined && intervalMs > 0) {
    return { next: (afterMs) => afterMs + intervalMs, isMonitored: intervalMs >= 60_000 };
  }
  const fields = expression.trim().split(/\s+/u);
  if (fields.length !== 5 && fields.length !== 6)
    throw new Error(`The schedule "${expression}" is neither NCRONTAB (5 or 6 fields) nor a TimeSpan.`);
  const sixFields = fields.length === 5 ? ['0', ...fields] : fields;
  const isReadable = sixFields.every((field, i) => (i < firstNamedField ? numericField : namedField).test(field));
  if (!isReadable || weekdayNumbers(sixFields[5] ?? '').some((day) => day > 6)) {
    throw new Error(`The schedule "${expression}" uses what NCRONTAB does not have (weekday 7, L, W, # or ?).`);
  }
  const cron = createCron(sixFields, expression, timeZone);
  return {
    next: (afterMs) => cron.nextRun(new Date(afterMs))?.getTime(),
    isMonitored: /^\d+$/u.test(sixFields[0] ?? ''),
  };
}

function weekdayNumbers(field: string): number[] {
  return (field.replace(/\/\d+/gu, '').match(/\d+/gu) ?? []).map(Number);
}

function createCron(fields: readonly string[], expression: string, timeZone: string | undefined): Cron {
  const names = fields.map((field, index) => {
    const short = index >= firstNamedField ? field.replace(/[a-z]{4,}/giu, (name) => name.slice(0, 3)) : field;
    return short.replace(/(?<=^|,)(\w+)\/(?=\d)/gu, `$1-${largestOf[index] ?? ''}/`);
  });
  try {
    return new Cron(names.join(' '), {
      paused: true,
      domAndDow: true,
      mode: '6-part',
      ...(timeZone === undefined ? {} : { timezone: timeZone }),
    });
  } catch (error) {
    throw new Error(`The schedule "${expression}" cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

/** Replaces `%NAME%` by the setting of that name. Throws an Error if it does not exist. */
export function resolveSettings(text: string, environment: NodeJS.ProcessEnv): string {
  return text.replace(/%([^%]+)%/gu, (_, name: string) => {
    const value = environment[name];
    if (value === undefined) throw new Error(`The setting "${name}", named by "${text}", does not exist.`);
    return value;
  });
}
