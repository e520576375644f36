import { hasEnded } from './api.js';
import { h, setText } from './dom.js';
import { formatCount, formatDuration, formatMoment, formatRate, formatShare, nothing } from './format.js';

/** @typedef {import('./api.js').Run} Run */

const columns = ['State', 'Run', 'Progress', 'Rows/s', 'Lanes / hint', '429s', 'ETA', 'Started'];

/** The list of runs. `update` keeps the rows it knows, so that focus and selection survive. */
export function createListView() {
  /** @type {Map<string, ReturnType<typeof createRow>>} */
  const rows = new Map();
  const body = h('tbody');
  const table = h(
    'table',
    { class: 'runs' },
    h('thead', {}, h('tr', {}, ...columns.map((column) => h('th', { scope: 'col' }, column)))),
    body,
  );
  const place = h('div', {}, h('p', { class: 'quiet' }, 'Loading …'));
  const element = h('section', { 'aria-labelledby': 'heading' }, heading(), place);

  /** @param {Run[]} runs */
  function update(runs) {
    if (runs.length === 0) {
      rows.clear();
      place.replaceChildren(emptyState());
      return;
    }
    if (!table.isConnected) place.replaceChildren(table);
    const listed = new Set(runs.map((run) => run.runId));
    for (const [runId, row] of rows) {
      if (listed.has(runId)) continue;
      row.element.remove();
      rows.delete(runId);
    }
    runs.forEach((run, index) => {
      const row = rows.get(run.runId) ?? createRow(run);
      rows.set(run.runId, row);
      row.update(run);
      if (body.children[index] !== row.element) body.insertBefore(row.element, body.children[index] ?? null);
    });
  }
  return { element, update };
}

const heading = () => h('h1', { id: 'heading', tabindex: '-1' }, 'Runs');

function emptyState() {
  return h(
    'div',
    { class: 'empty' },
    h('h2', {}, 'No runs yet'),
    h('p', {}, 'Start one with the fanout command line or with a request to ', h('code', {}, 'POST runs'), '.'),
    h('p', {}, 'It appears here within two seconds.'),
  );
}

/** @param {Run} run */
function createRow(run) {
  const state = createStateChip();
  const bar = createBar();
  const share = h('span', { class: 'share' });
  const failed = h('span', { class: 'failed' });
  const rate = h('span');
  const lanes = h('span');
  const throttled = h('span');
  const eta = h('span');
  const title = `${run.operation} ${run.table}`;
  const cells = [
    h('td', {}, state.element),
    h(
      'td',
      { class: 'what' },
      h('a', { href: `#run=${encodeURIComponent(run.runId)}` }, title),
      h('span', { class: 'quiet' }, `${run.source.container}/${run.source.blob}`),
    ),
    h('td', { class: 'progress' }, bar.element, share, failed),
    ...[rate, lanes, throttled, eta].map((value) => h('td', { class: 'number' }, value)),
    h('td', { class: 'when' }, h('time', { datetime: run.createdAt }, formatMoment(run.createdAt))),
  ];
  // Narrow screens show rows as cards; the label takes the place of the column's heading.
  cells.forEach((cell, index) => cell.setAttribute('data-label', columns[index] ?? ''));

  /** @param {Run} now */
  function update(now) {
    const { progress } = now;
    state.update(now);
    bar.update(now);
    setText(share, progress === null ? (now.note ?? nothing) : progressText(progress));
    setText(failed, failedText(progress));
    setText(rate, formatRate(progress?.rowsPerSecond));
    setText(lanes, progress === null || hasEnded(now.state) ? nothing : lanesText(progress));
    setText(throttled, formatCount(progress?.throttled));
    throttled.classList.toggle('warn', (progress?.throttled ?? 0) > 0);
    setText(eta, hasEnded(now.state) ? nothing : formatDuration(progress?.secondsLeft?.likely));
  }
  return { element: h('tr', {}, ...cells), update };
}

/** @param {import('./api.js').Progress} progress */
const progressText = ({ rowsDone, rowsTotal }) =>
  rowsTotal === 0 ? 'no rows' : `${formatShare(rowsDone, rowsTotal)} of ${formatCount(rowsTotal)}`;

/** Rows that went wrong, which the state alone does not tell. @param {import('./api.js').Progress | null} progress */
function failedText(progress) {
  const { rejected = 0, unknown = 0 } = progress?.counts ?? {};
  const parts = [
    rejected > 0 ? `${formatCount(rejected)} rejected` : '',
    unknown > 0 ? `${formatCount(unknown)} unknown` : '',
  ];
  const text = parts.filter((part) => part !== '').join(', ');
  return text === '' ? '' : `⚠ ${text}`;
}

/** @param {import('./api.js').Progress} progress */
export const lanesText = ({ lanes, dopHint }) => `${formatCount(lanes)} / ${formatCount(dopHint)}`;

/** A word and a colour for a run's state. */
export function createStateChip() {
  const element = h('span', { class: 'chip' });
  return {
    element,
    /** @param {{ state: string }} run */
    update(run) {
      element.dataset.state = run.state;
      setText(element, run.state);
    },
  };
}

/** How much of a run is done. Before the file is indexed nobody knows, and the bar says so. */
export function createBar() {
  const element = h('progress', { 'aria-label': 'Rows with an outcome' });
  return {
    element,
    /** @param {Run} run */
    update({ state, progress }) {
      element.dataset.state = state;
      element.max = Math.max(1, progress?.rowsTotal ?? 1);
      if (progress !== null) element.value = progress.rowsTotal === 0 && hasEnded(state) ? 1 : progress.rowsDone;
      else if (hasEnded(state)) element.value = 0;
      else element.removeAttribute('value');
    },
  };
}
