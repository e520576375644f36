import type { Fault } from '../src/plan/fault.ts';
import type { OutcomeCounts } from '../src/plan/outcome.ts';
import type { Gap } from '../src/plan/report.ts';
import type { RunReport, RunView } from './api.ts';
import { formatBytes, formatCount, formatDuration, formatNoun, printable } from './text.ts';

/** The report as lines of text: what was read, what became of every row, the proof, the cost, the commonest failures. */
export function reportLines(report: RunReport): string[] {
  const { source } = report;
  const digest = source.sha256 === null ? '' : `, SHA-256 ${source.sha256.slice(0, 16)}…`;
  const rate = report.rowsPerSecond === null ? '' : `, ${formatCount(report.rowsPerSecond)} rows/s`;
  const facts: (readonly [string, string])[] = [
    ['run', report.runId],
    ['state', report.reason === undefined ? report.state : `${report.state}: ${report.reason}`],
    ['source', `${source.container}/${source.blob}, ${formatBytes(source.bytes)}${digest}`],
    ['target', `${report.operation} ${report.table} in ${report.connection}`],
    ['rows', report.rowsTotal === null ? 'not counted' : formatCount(report.rowsTotal)],
    ...countFacts(report.counts),
    ...(report.recovered > 0
      ? [['  recovered', `${formatCount(report.recovered)} of these by a second look`] as const]
      : []),
    ['proof', proofText(report)],
    ['requests', `${formatCount(report.requests)}, ${formatCount(report.throttled)} of them told to wait (429)`],
    ['time', `${formatDuration(report.seconds)}${rate}`],
  ];
  return [
    ...[...alignFacts(facts), ...placeLines(report), ...failureLines(report)].map(printable),
    ...faultLines(report.faults),
  ];
}

function countFacts(counts: OutcomeCounts): (readonly [string, string])[] {
  return Object.entries(counts).map(([kind, count]) => [`  ${kind}`, formatCount(count)]);
}

function proofText({ proof, rowsTotal }: RunReport): string {
  if (proof === null || rowsTotal === null) return 'none, because the source was not read to its end';
  const { tiles, parts, rowsCovered, sumsAgree } = proof;
  const covered = `${formatNoun(parts, 'part')} cover ${formatCount(rowsCovered)} of ${formatNoun(rowsTotal, 'row')}`;
  if (tiles && sumsAgree && rowsCovered === rowsTotal) return `${covered}, each once; the sums agree`;
  const complaints = [tiles ? '' : 'with gaps or overlaps', sumsAgree ? '' : 'the sums do not agree'];
  return [covered, ...complaints.filter((text) => text !== '')].join('; ');
}

/** Where the parts do not tile the rows. */
function placeLines({ gaps, overlaps }: RunReport): string[] {
  const place = ({ from, to }: Gap) =>
    from === to ? `row ${formatCount(from)}` : `rows ${formatCount(from)} to ${formatCount(to)}`;
  return [
    ...gaps.map((gap) => `  no part covers ${place(gap)}`),
    ...overlaps.map((overlap) => `  more than one part covers ${place(overlap)}`),
  ];
}

function failureLines(report: RunReport): string[] {
  if (report.topFailures.length === 0) return [];
  const lines = report.topFailures.map(
    ({ count, code, message, firstRow }) =>
      `  ${formatCount(count)} x ${code}: ${message} (first in row ${formatCount(firstRow)})`,
  );
  return ['failures', ...lines];
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

function alignFacts(facts: readonly (readonly [string, string])[]): string[] {
  const width = facts.reduce((widest, [name]) => Math.max(widest, name.length), 0);
  return facts.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
}
