/** Levels as the Functions programming model names them. */
export type LogLevel = 'trace' | 'debug' | 'information' | 'warning' | 'error' | 'critical' | 'none';

/** Writes one line of log. `category` is `Host`, `Host.<part>`, or `Function.<name>` for what an app logs. */
export type Log = (level: LogLevel, category: string, message: string) => void;

const rank: Record<LogLevel, number> = {
  trace: 0,
  debug: 1,
  information: 2,
  warning: 3,
  error: 4,
  critical: 5,
  none: 6,
};

/** Levels by category prefix, as in `logging.logLevel` of host.json; `default` applies where no prefix matches. */
export type LogLevels = Readonly<Record<string, LogLevel>>;

export function isLogLevel(value: unknown): value is LogLevel {
  return typeof value === 'string' && value in rank;
}

/** A log that writes `<time> [<level>] <category>: <message>` lines, for categories at or above their configured level. */
export function createLog(write: (line: string) => void, levels: LogLevels): Log {
  const thresholds = new Map<string, number>();
  const threshold = (category: string) => {
    let known = thresholds.get(category);
    if (known === undefined) {
      known = rank[levelOf(category, levels)];
      thresholds.set(category, known);
    }
    return known;
  };
  return (level, category, message) => {
    if (level === 'none' || rank[level] < threshold(category)) return;
    write(`${new Date().toISOString()} [${level}] ${category}: ${message}\n`);
  };
}

/** The longest configured prefix wins: `Function.sendRows` before `Function` before `default`. */
function levelOf(category: string, levels: LogLevels): LogLevel {
  const prefixes = Object.keys(levels).filter((prefix) => category === prefix || category.startsWith(`${prefix}.`));
  const longest = prefixes.reduce((best, prefix) => (prefix.length > best.length ? prefix : best), '');
  return levels[longest] ?? levels['default'] ?? 'information';
}
