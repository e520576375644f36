import type { RunProgress, RunView } from './api.ts';
import { hasEnded } from './api.ts';
import { paint, type Painter } from './paint.ts';
import { formatCount, formatDuration, formatPercent, formatRange, printable } from './text.ts';

/** Shows one run after the other sight of it, until `end`. */
export interface ProgressView {
  show(run: RunView): void;
  /** Leaves the cursor behind what was drawn. */
  end(): void;
}

/** What a view needs of a stream and the environment. */
export interface Screen {
  readonly isLive: boolean;
  readonly hasColor: boolean;
  /** Characters in a line; undefined where nobody draws lines. */
  readonly columns: () => number | undefined;
  readonly write: (text: string) => void;
  readonly now: () => number;
}

const plainLineEveryMs = 5_000;
const widestBar = 40;

/**
 * A screen on a stream. Lines are redrawn on a terminal only; `NO_COLOR` (no-color.org) takes the colours away, and a terminal
 * that says it is `dumb` gets plain lines.
 */
export function screenOf(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv): Screen {
  const isLive = stream.isTTY && env['TERM'] !== 'dumb';
  return {
    isLive,
    hasColor: isLive && (env['NO_COLOR'] ?? '') === '',
    // Some pseudo terminals say that they are 0 columns wide.
    columns: () => (stream.isTTY && stream.columns > 0 ? stream.columns : undefined),
    write: (text) => stream.write(text),
    now: () => Date.now(),
  };
}

/** Lines redrawn in place on a terminal; elsewhere a line for each change of state and every 5 s between. */
export function createProgressView(screen: Screen): ProgressView {
  return screen.isLive ? createLiveView(screen) : createPlainView(screen);
}

function createLiveView(screen: Screen): ProgressView {
  let drawnLines = 0;
  return {
    show(run) {
      const columns = screen.columns() ?? 80;
      const lines = liveLines(run, { columns, painter: paint(screen.hasColor), nowMs: screen.now() });
      const backToTop = drawnLines > 0 ? `\u001b[${drawnLines}A` : '';
      screen.write(`${backToTop}\r\u001b[J${lines.join('\n')}\n`);
      drawnLines = lines.length;
    },
    end() {
      drawnLines = 0;
    },
  };
}

function createPlainView(screen: Screen): ProgressView {
  let lastState: string | undefined;
  let lastLineAtMs = 0;
  return {
    show(run) {
      const nowMs = screen.now();
      if (run.state === lastState && nowMs - lastLineAtMs < plainLineEveryMs) return;
      lastState = run.state;
      lastLineAtMs = nowMs;
      screen.write(`${plainLine(run, nowMs)}\n`);
    },
    end() {
      lastState = undefined;
    },
  };
}

/** `running    51,200 of 138,398 rows (37.0 %), 1,890 rows/s, DOP 48 (hint 48), 429s 0, ETA 46 s (40 s to 1:02 min)` */
export function plainLine(run: RunView, nowMs: number): string {
  const state = run.state.padEnd(10);
  const { progress } = run;
  const note = run.note === null ? '' : ` (${printable(run.note)})`;
  if (progress === null) return `${state} ${printable(run.source.blob)} into ${printable(run.table)}${note}`;
  const rows = `${formatCount(progress.rowsDone)} of ${formatCount(progress.rowsTotal)} rows`;
  const facts = [
    `${rows} (${formatPercent(progress.rowsDone, progress.rowsTotal)})`,
    ...rateFacts(run, progress, nowMs),
  ];
  return `${state} ${facts.join(', ')}${note}`;
}

interface LiveOptions {
  readonly columns: number;
  readonly painter: Painter;
  readonly nowMs: number;
}

/** What is drawn on a terminal: title, bar, figures; no line is longer than the terminal is wide. */
export function liveLines(run: RunView, { columns, painter, nowMs }: LiveOptions): string[] {
  const lines = titleLines(run, columns).map((line) => painter.dim(clip(printable(line), columns)));
  const { progress } = run;
  const state = painter.state(run.state, run.state.padEnd(10));
  const note = run.note === null ? [] : [painter.dim(clip(printable(run.note), columns))];
  if (progress === null) return [...lines, state, ...note];

  const figures = `${formatCount(progress.rowsDone)} / ${formatCount(progress.rowsTotal)} rows  ${formatPercent(progress.rowsDone, progress.rowsTotal)}`;
  const barWidth = Math.min(widestBar, columns - 10 - figures.length - 4);
  const drawnBar = barWidth >= 8 ? ` ${bar(progress.rowsDone, progress.rowsTotal, barWidth)} ` : '';
  lines.push(`${state}${drawnBar} ${clip(figures, columns - 11)}`);
  lines.push(clip(rateFacts(run, progress, nowMs).join('   '), columns));
  return [...lines, ...note];
}

/** The id is what other commands need, so it gets a line of its own rather than be cut. */
function titleLines({ operation, source, table, runId }: RunView, columns: number): string[] {
  const target = `${operation} ${source.container}/${source.blob} into ${table}`;
  const title = `${target}  run ${runId}`;
  return title.length <= columns ? [title] : [target, `run ${runId}`];
}

/** `████████░░░░`; full only when every row is done. */
export function bar(done: number, total: number, width: number): string {
  const share = total === 0 ? 1 : Math.min(1, done / total);
  const filled = Math.floor(share * width);
  return '█'.repeat(filled) + '░'.repeat(width - filled);
}

function rateFacts(run: RunView, progress: RunProgress, nowMs: number): string[] {
  const facts: string[] = [];
  if (progress.rowsPerSecond !== null) facts.push(`${formatCount(progress.rowsPerSecond)} rows/s`);
  const hint = progress.dopHint === null ? '' : ` (hint ${progress.dopHint})`;
  if (!hasEnded(run.state)) facts.push(`DOP ${progress.lanes}${hint}`);
  facts.push(`429s ${formatCount(progress.throttled)}`);
  const rejected = progress.counts.rejected ?? 0;
  if (rejected > 0) facts.push(`rejected ${formatCount(rejected)}`);
  if (run.state === 'waiting' && progress.waitingUntil !== null) {
    const seconds = (Date.parse(progress.waitingUntil) - nowMs) / 1000;
    facts.push(`waits ${formatDuration(seconds)} more`);
  } else if (progress.secondsLeft !== null && !hasEnded(run.state)) {
    const { likely } = progress.secondsLeft;
    facts.push(`ETA ${formatDuration(likely)} (${formatRange(progress.secondsLeft, formatDuration)})`);
  }
  return facts;
}

function clip(text: string, columns: number): string {
  return text.length <= columns ? text : `${text.slice(0, Math.max(0, columns - 1))}…`;
}
