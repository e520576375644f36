import type { Fault } from '../src/plan/fault.ts';
import type { OutcomeCounts } from '../src/plan/outcome.ts';
import type { Usage } from '../src/plan/plan-job.ts';
import type { Gap } from '../src/plan/report.ts';
import type { RunReport, RunView } from './api.ts';
import { formatBytes, formatCount, formatDuration, formatNoun, formatRange, printable } from './text.ts';

/** The report as lines of text: what was read, what became of every row, the proof, the cost, the commonest failures. */
export function reportLines(report: RunReport): string[] {
  const { source } = report;
  const digest = source.sha256 === null ? '' : `, SHA-256 ${source.sha256.slice(0, 16)}…`;
  const rate = report.rowsPerSecond === null ? '' : `, ${formatCount(report.rowsPerSecond)} rows/s`;
  const facts: (readonly [string, string])[] = [
    ['run', report.runId],
    ['state', stateText(report)],
    ['source', `${source.container}/${source.blob}, ${formatBytes(source.bytes)}${digest}`],
    ['target', `${report.operation} ${report.table} in ${report.connection}`],
    ['rows', report.rowsTotal === null ? 'not counted' : formatCount(report.rowsTotal)],
    ...countFacts(report.counts),
    ...(report.recovered > 0
      ? [['  recovered', `${formatCount(report.recovered)} of these by a second look`] as const]
      : []),
    ['proof', proofText(report)],
    ...(report.requests === 0
      ? []
      : [
          [
            'requests',
            `${formatCount(report.requests)}, ${formatCount(report.throttled)} of them told to wait (429)`,
          ] as const,
        ]),
    ['time', `${formatDuration(report.seconds)}${rate}`],
    ...planFacts(report),
  ];
  return [
    ...[...alignFacts(facts), ...placeLines(report), ...failureLines(report)].map(printable),
    ...faultLines(report.faults),
  ];
}

/** What was planned beside what came of it. */
function planFacts({ plan }: RunReport): (readonly [string, string])[] {
  if (plan === null) return [];
  const { planned, actual } = plan;
  const range = formatRange(planned.seconds, formatDuration);
  return [
    ['planned', `${formatDuration(planned.seconds.likely)} of sending (${range}), ${usageText(planned)}`],
    ['actual', `${formatDuration(actual.seconds)} of sending, ${usageText(actual)}`],
  ];
}

const usageText = ({ requests, entitledRequests, binding }: Omit<Usage, 'seconds'>): string =>
  `${formatNoun(requests, 'request')}, ${formatCount(entitledRequests)} of the daily allowance; limited by: ${binding}`;

/** The reason, unless the faults below say the same. */
function stateText({ state, reason, faults }: RunReport): string {
  const isSaidBelow = faults.some(({ detail }) => detail === reason);
  return reason === undefined || isSaidBelow ? state : `${state}: ${reason}`;
}

function countFacts(counts: OutcomeCounts): (readonly [string, string])[] {
  return Object.entries(counts).map(([kind, count]) => [`  ${kind}`, formatCount(count)]);
}

function proofText(report: RunReport): string {
  const { proof, rowsTotal } = report;
  if (proof === null || rowsTotal === null) return 'none, because the source was not read to its end';
  const { tiles, parts, rowsCovered, sumsAgree } = proof;
  const covered = `${formatNoun(parts, 'part')} ${parts === 1 ? 'covers' : 'cover'} ${formatCount(rowsCovered)} of ${formatNoun(rowsTotal, 'row')}`;
  if (tiles && sumsAgree && rowsCovered === rowsTotal) return `${covered}, each once; the sums agree`;
  if (endedEarly(report) && sumsAgree) {
    return `${covered}, each once; the sums agree; ${formatNoun(rowsTotal - rowsCovered, 'row')} not attempted`;
  }
  const complaints = [tiles ? '' : 'with gaps or overlaps', sumsAgree ? '' : 'the sums do not agree'];
  return [covered, ...complaints.filter((text) => text !== '')].join('; ');
}

/** A run that ended early leaves rows behind, which is no fault of the books. */
function endedEarly({ state, overlaps }: RunReport): boolean {
  return (state === 'cancelled' || state === 'stopped' || state === 'stalled') && overlaps.length === 0;
}

const shownPlaces = 3;
/** A report lists no more (docs/http-api.md), so that there may be others. */
const listedPlaces = 20;

/** The first places where the parts do not tile the rows. */
function placeLines(report: RunReport): string[] {
  const { gaps, overlaps } = report;
  const place = ({ from, to }: Gap) =>
    from === to ? `row ${formatCount(from)}` : `rows ${formatCount(from)} to ${formatCount(to)}`;
  const list = (what: string, places: readonly Gap[]) => {
    if (places.length === 0) return [];
    const others = places.length - shownPlaces;
    const atLeast = places.length < listedPlaces ? '' : 'at least ';
    const more = others > 0 ? ` and ${atLeast}${others} more` : '';
    return [`  ${what} ${places.slice(0, shownPlaces).map(place).join(', ')}${more}`];
  };
  return [
    ...list(endedEarly(report) ? 'not attempted:' : 'no part covers', gaps),
    ...list('more than one part covers', overlaps),
  ];
}

function failureLines(report: RunReport): string[] {
  if (report.topFailures.length === 0) return [];
  const lines = report.topFailures.map(
    ({ count, code, message, firstRow }) =>
      `  ${formatCount(count)} x ${code}: ${message}${firstPlace(message, firstRow)}`,
  );
  return ['failures', ...lines];
}

/** Messages about the file say the row themselves. */
function firstPlace(message: string, firstRow: number): string {
  return new RegExp(`\\brow ${firstRow}\\b`).test(message) ? '' : ` (first in row ${formatCount(firstRow)})`;
}

/** A run that left no report: where it stands, and why. */
export function runLines(run: RunView): string[] {
  const facts: (readonly [string, string])[] = [
    ['run', run.runId],
    ['state', run.state],
    ['source', `${run.source.container}/${run.source.blob}`],
    ['target', `${run.operation} ${run.table} in ${run.connection}`],
    ['created', run.createdAt],
    ['updated', run.updatedAt],
  ];
  const { progress } = run;
  if (progress !== null) {
    facts.push(['rows', `${formatCount(progress.rowsDone)} of ${formatCount(progress.rowsTotal)}`]);
    facts.push(...countFacts(progress.counts));
  }
  return [...alignFacts(facts).map(printable), ...faultLines(run.faults)];
}

/** One line for each fault: its pointer into the run spec, and what is wrong there. */
export function faultLines(faults: readonly Fault[]): string[] {
  return faults.map(({ pointer, detail }) => printable(`  ${pointer === '' ? '(whole spec)' : pointer}: ${detail}`));
}

export function alignFacts(facts: readonly (readonly [string, string])[]): string[] {
  const width = facts.reduce((widest, [name]) => Math.max(widest, name.length), 0);
  return facts.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
}
