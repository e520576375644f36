import { h } from './dom.js';
import { formatBytes, formatCount, formatDuration, formatMoment, formatRate, formatSpan, nothing } from './format.js';

/** @typedef {import('./api.js').Report} Report */

/** The proof that a run leaves behind. @param {Report} report */
export function reportSection(report) {
  return h(
    'section',
    { class: 'card report' },
    h('h2', {}, 'Report'),
    report.reason === undefined ? null : h('p', { class: 'reason' }, report.reason),
    h('ul', { class: 'proof' }, ...proofLines(report)),
    h(
      'dl',
      { class: 'facts-grid' },
      ...facts(report).flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]),
    ),
    planTable(report),
    failuresTable(report),
  );
}

/** @param {Report} report */
function proofLines(report) {
  const { proof, rowsTotal } = report;
  if (proof === null)
    return [h('li', { 'data-holds': 'unknown' }, 'The file was not indexed: there is nothing to prove.')];
  const covered = `${formatCount(proof.rowsCovered)} of ${formatCount(rowsTotal)} rows`;
  const parts = proof.parts === 1 ? `1 part covers ${covered}` : `${formatCount(proof.parts)} parts cover ${covered}`;
  return [
    tilesLine(report, proof.tiles, parts),
    proof.sumsAgree
      ? proofLine(true, 'The counts of every part add up to its rows.')
      : proofLine(false, 'The counts of a part do not add up to its rows.'),
  ];
}

/** @param {Report} report @param {boolean} tiles @param {string} parts */
function tilesLine({ state, overlaps }, tiles, parts) {
  if (tiles) return proofLine(true, `${parts} without gap or overlap.`);
  // A run that ended early leaves rows behind; that is no fault of the books.
  const endedEarly = ['cancelled', 'stopped', 'stalled'].includes(state) && overlaps.length === 0;
  return endedEarly
    ? proofLine(true, `${parts}, each once; the others were not attempted.`)
    : proofLine(false, `${parts}; some rows are in no part, or in two.`);
}

/** @param {boolean} holds @param {string} text */
const proofLine = (holds, text) => h('li', { 'data-holds': String(holds) }, `${holds ? '✓' : '✗'} ${text}`);

/** @param {Report} report @returns {[string, string][]} */
const facts = (report) => [
  ['Time', formatDuration(report.seconds)],
  ['Rows per second', formatRate(report.rowsPerSecond)],
  ['Requests', formatCount(report.requests)],
  ['429s', formatCount(report.throttled)],
  ['Recovered', formatCount(report.recovered)],
  ['Started', formatMoment(report.startedAt)],
  ['Ended', formatMoment(report.endedAt)],
  ['File', formatBytes(report.source.bytes)],
  ['SHA-256', report.source.sha256 ?? nothing],
];

/** @param {Report} report */
function planTable({ plan }) {
  if (plan === null) return null;
  const { planned, actual } = plan;
  const time = `${formatDuration(planned.seconds.likely)} (${formatSpan(planned.seconds)})`;
  /** @type {[string, string, string][]} */
  const lines = [
    ['Sending', time, formatDuration(actual.seconds)],
    ['Requests', formatCount(planned.requests), formatCount(actual.requests)],
    ['Daily allowance', formatCount(planned.entitledRequests), formatCount(actual.entitledRequests)],
    ['Execution time', formatDuration(planned.executionSeconds), formatDuration(actual.executionSeconds)],
    ['Limited by', planned.binding, actual.binding],
  ];
  return reportTable(
    'planned',
    'Planned against actual',
    ['', 'Planned', 'Actual'],
    lines.map(([name, ...cells]) =>
      h('tr', {}, h('th', { scope: 'row' }, name), ...cells.map((cell) => h('td', {}, cell))),
    ),
  );
}

/** @param {Report} report */
function failuresTable({ topFailures }) {
  if (topFailures.length === 0) return null;
  return reportTable(
    'failures',
    'Most frequent failures',
    ['Code', 'Message', 'Rows', 'First row'],
    topFailures.map((failure) =>
      h(
        'tr',
        {},
        h('td', {}, h('code', {}, failure.code)),
        h('td', {}, failure.message),
        h('td', { class: 'number' }, formatCount(failure.count)),
        h('td', { class: 'number' }, formatCount(failure.firstRow)),
      ),
    ),
  );
}

/** @param {string} kind @param {string} caption @param {string[]} heads @param {HTMLElement[]} rows */
const reportTable = (kind, caption, heads, rows) =>
  h(
    'div',
    { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': caption },
    h(
      'table',
      { class: `details ${kind}` },
      h('caption', {}, caption),
      h('thead', {}, h('tr', {}, ...heads.map((name) => h('th', { scope: 'col' }, name)))),
      h('tbody', {}, ...rows),
    ),
  );
