import type { Fault } from '../src/plan/fault.ts';
import type { OutcomeCounts } from '../src/plan/outcome.ts';
import type { RunReport, RunView } from './api.ts';
import { formatBytes, formatCount, formatDuration, formatNoun, printable } from './text.ts';

/** The report as lines of text: what was read, what became of every row, the proof, the cost, the commonest failures. */
export function reportLines(report: RunReport): string[] {
  const { source } = report;
  const facts: (readonly [string, string])[] = [
    ['run', report.runId],
    ['state', report.state],
    [
      'source',
      `${source.container}/${source.blob}, ${formatBytes(source.bytes)}, SHA-256 ${source.sha256.slice(0, 16)}…`,
    ],
    ['rows', formatCount(report.rowsTotal)],
    ...countFacts(report.counts),
    ...(report.recovered > 0
      ? [['  recovered', `${formatCount(report.recovered)} of these by a second look`] as const]
      : []),
    ['proof', proofText(report)],
    ['requests', `${formatCount(report.requests)}, ${formatCount(report.throttled)} of them told to wait (429)`],
    ['time', `${formatDuration(report.seconds)}, ${formatCount(report.rowsPerSecond)} rows/s`],
  ];
  return [...alignFacts(facts), ...failureLines(report)].map(printable);
}

function countFacts(counts: OutcomeCounts): (readonly [string, string])[] {
  return Object.entries(counts).map(([kind, count]) => [`  ${kind}`, formatCount(count)]);
}

function proofText(report: RunReport): string {
  const { tiles, parts, rowsCovered, sumsAgree } = report.proof;
  const covered = `${formatNoun(parts, 'part')} cover ${formatCount(rowsCovered)} of ${formatNoun(report.rowsTotal, 'row')}`;
  if (tiles && sumsAgree && rowsCovered === report.rowsTotal) return `${covered}, each once; the sums agree`;
  const complaints = [tiles ? '' : 'with gaps or overlaps', sumsAgree ? '' : 'the sums do not agree'];
  return [covered, ...complaints.filter((text) => text !== '')].join('; ');
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
