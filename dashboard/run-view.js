import { getFailures, hasEnded } from './api.js';
import { addSample, drawChart } from './chart.js';
import { h, setText } from './dom.js';
import {
  formatCount,
  formatDuration,
  formatEnd,
  formatMoment,
  formatRate,
  formatShare,
  formatSpan,
  nothing,
  outcomeWords,
} from './format.js';
import { createBar, createStateChip, lanesText } from './list-view.js';
import { reportSection } from './report-view.js';
import { createActions } from './run-actions.js';

/**
 * @typedef {import('./api.js').Run} Run
 * @typedef {import('./api.js').Report} Report
 */

/** One run. `onChanged` is called when the person has changed it, so that it is asked for again at once. */
export function createRunView(/** @type {string} */ runId, /** @type {() => void} */ onChanged) {
  const head = createHead(runId, onChanged);
  const numbers = createNumbers();
  const outcomes = createOutcomes(runId);
  const watch = createWatch();
  const faults = h('div');
  const report = h('div');
  const loading = h('p', { class: 'quiet' }, 'Loading …');
  const element = h('article', { class: 'run', 'aria-labelledby': 'heading' }, head.element, loading);
  const known = [faults, numbers.element, h('div', { class: 'columns' }, watch.element, outcomes.element), report];
  let reported = false;

  return {
    element,
    /** @param {Run} run @param {Report | undefined} result */
    update(run, result) {
      if (loading.isConnected) loading.replaceWith(...known);
      head.update(run, result);
      numbers.update(run);
      watch.update(run);
      outcomes.update(result?.counts ?? run.progress?.counts ?? {}, result?.rowsTotal ?? run.progress?.rowsTotal ?? 0);
      faults.replaceChildren(...faultsSection(run));
      if (result === undefined || reported) return;
      report.replaceChildren(reportSection(result));
      reported = true;
    },
    redraw: watch.redraw,
  };
}

/** @param {string} runId @param {() => void} onChanged */
function createHead(runId, onChanged) {
  const title = h('h1', { id: 'heading', tabindex: '-1' }, 'Run');
  const state = createStateChip();
  const actions = createActions(runId, {
    onChanged,
    onStarted: (started) => (location.hash = `run=${encodeURIComponent(started)}`),
  });
  const bar = createBar();
  const done = h('p', { class: 'done' });
  const ends = h('p', { class: 'ends quiet' });
  const facts = h('p', { class: 'facts quiet' });
  const family = h('p', { class: 'facts' });
  const note = h('p', { class: 'note', role: 'status' });
  const element = h(
    'header',
    { class: 'run-head unknown' },
    h('a', { class: 'back', href: '#' }, '← All runs'),
    h('div', { class: 'title-line' }, title, state.element, actions.element),
    facts,
    family,
    bar.element,
    done,
    ends,
    note,
  );
  let relatives = '';
  return {
    element,
    /** @param {Run} run @param {Report | undefined} report */
    update(run, report) {
      element.classList.remove('unknown');
      setText(title, `${run.operation} ${run.table}`);
      state.update(run);
      actions.update(run, report);
      bar.update(run);
      setText(facts, factsOf(run));
      setText(done, doneText(run));
      setText(ends, endsText(run, Date.now()));
      // The report says the same where there is one, and a single fault is told below.
      setText(note, hasEnded(run.state) ? '' : (run.note ?? ''));
      const now = JSON.stringify([run.lineage, run.children]);
      if (now === relatives) return;
      relatives = now;
      family.replaceChildren(...familyOf(run));
    },
  };
}

/** @param {Run} run */
const factsOf = (run) =>
  [`${run.source.container}/${run.source.blob}`, `to ${run.connection}`, formatMoment(run.createdAt), run.runId].join(
    ' · ',
  );

/** Links to the run whose rows these are, and to those that took up its rows. @param {Run} run */
function familyOf({ lineage, children }) {
  /** @param {string} runId */
  const link = (runId) => h('a', { href: `#run=${encodeURIComponent(runId)}` }, runId);
  const parent =
    lineage === null ? [] : [lineage.kind === 'undo' ? 'Undoes ' : 'Sends again rows of ', link(lineage.of)];
  const others = children.flatMap((child, index) => [index === 0 ? 'Taken up by ' : ', ', link(child)]);
  return parent.length > 0 && others.length > 0 ? [...parent, ' · ', ...others] : [...parent, ...others];
}

/** @param {Run} run */
function doneText({ state, progress }) {
  if (progress === null) return hasEnded(state) ? 'No row was sent.' : 'The file is not indexed yet.';
  if (progress.rowsTotal === 0) return 'The file has no rows.';
  const share = formatShare(progress.rowsDone, progress.rowsTotal);
  const text = `${formatCount(progress.rowsDone)} of ${formatCount(progress.rowsTotal)} rows (${share})`;
  return progress.waitingUntil === null || hasEnded(state)
    ? text
    : `${text}. Nothing is sent before ${formatMoment(progress.waitingUntil)}.`;
}

/**
 * When the run may end, and what was planned, while that is of use; the report has both side by side.
 *
 * @param {Run} run
 * @param {number} nowMs
 */
function endsText({ state, plan, progress }, nowMs) {
  if (hasEnded(state)) return '';
  const left = progress?.secondsLeft ?? null;
  return [
    left === null || left.most === 0 ? '' : `${formatSpan(left)} left, ends ${formatEnd(left, nowMs)}.`,
    plan === null ? '' : `Planned: ${formatSpan(plan.seconds)} of sending, limited by: ${plan.binding}.`,
  ]
    .filter((text) => text !== '')
    .join(' ');
}

function createNumbers() {
  const shown = ['Rows per second', 'Lanes / hint', '429s', 'Time left', 'Rows per request', 'Requests', 'Wave'];
  const values = shown.map(() => h('dd'));
  const element = h(
    'dl',
    { class: 'numbers' },
    ...shown.map((name, index) => h('div', {}, h('dt', {}, name), values[index])),
  );
  return {
    element,
    /** @param {Run} run */
    update({ state, progress }) {
      const ended = hasEnded(state);
      element.hidden = ended && progress === null;
      const texts =
        progress === null
          ? shown.map(() => nothing)
          : [
              formatRate(progress.rowsPerSecond),
              ended ? nothing : lanesText(progress),
              formatCount(progress.throttled),
              ended ? nothing : formatDuration(progress.secondsLeft?.likely),
              progress.rowsPerRequest === null ? nothing : formatCount(progress.rowsPerRequest),
              formatCount(progress.requests),
              formatCount(progress.wave),
            ];
      values.forEach((value, index) => setText(value, texts[index] ?? nothing));
      values[2]?.classList.toggle('warn', (progress?.throttled ?? 0) > 0);
    },
  };
}

/** The chart of what was seen since the page began to watch. */
function createWatch() {
  /** @type {import('./chart.js').Sample[]} */
  const samples = [];
  const place = h(
    'div',
    { class: 'chart-place' },
    h('p', { class: 'quiet' }, 'The chart begins with the second measurement.'),
  );
  const element = h('section', { class: 'card', hidden: true }, h('h2', {}, 'While you watch'), place);

  function redraw() {
    if (samples.length > 1 && place.clientWidth > 0) place.replaceChildren(drawChart(samples, place.clientWidth));
  }
  return {
    element,
    redraw,
    /** @param {Run} run */
    update({ state, progress }) {
      if (progress === null || hasEnded(state)) return;
      element.hidden = false;
      const { rowsPerSecond, lanes, dopHint } = progress;
      addSample(samples, { atMs: Date.now(), rowsPerSecond, lanes, dopHint });
      redraw();
    },
  };
}

/** @param {string} runId */
function createOutcomes(runId) {
  const body = h('tbody');
  const download = h('button', { type: 'button', hidden: true, onclick: () => void save() }, 'Download failures');
  const message = h('p', { class: 'warn', role: 'alert' });
  const element = h(
    'section',
    { class: 'card' },
    h('h2', {}, 'Outcomes'),
    h('table', { class: 'outcomes' }, body),
    download,
    message,
  );

  async function save() {
    setText(message, '');
    try {
      const url = URL.createObjectURL(await getFailures(runId));
      h('a', { href: url, download: `${runId}-failures.jsonl` }).click();
      setTimeout(() => URL.revokeObjectURL(url), 60_000);
    } catch (error) {
      setText(
        message,
        error instanceof Error && error.message !== '' ? error.message : 'The failures cannot be had now.',
      );
    }
  }
  return {
    element,
    /** @param {Record<string, number>} counts @param {number} total */
    update(counts, total) {
      const kinds = [...outcomeWords.keys()].filter((kind) => (counts[kind] ?? 0) > 0);
      element.hidden = total === 0;
      body.replaceChildren(
        ...kinds.map((kind) => outcomeRow(kind, counts[kind] ?? 0, total)),
        ...(kinds.length === 0 ? [h('tr', {}, h('td', { class: 'quiet' }, 'No row has an outcome yet.'))] : []),
      );
      download.hidden = (counts.rejected ?? 0) + (counts.unknown ?? 0) === 0;
    },
  };
}

/** @param {string} kind @param {number} count @param {number} total */
function outcomeRow(kind, count, total) {
  const word = outcomeWords.get(kind) ?? kind;
  return h(
    'tr',
    { 'data-outcome': kind },
    h('th', { scope: 'row' }, word),
    h('td', { class: 'bar' }, h('progress', { max: Math.max(total, count), value: count, 'aria-hidden': 'true' })),
    h('td', { class: 'number' }, formatCount(count)),
    h('td', { class: 'number quiet' }, formatShare(count, total)),
  );
}

/** @param {Run} run */
function faultsSection({ state, faults }) {
  if (faults.length === 0) return [];
  return [
    h(
      'section',
      { class: 'card faults', role: state === 'failed' ? 'alert' : undefined },
      h('h2', {}, faults.length === 1 ? 'One fault' : `${faults.length} faults`),
      h(
        'dl',
        {},
        ...faults.flatMap((fault) => [
          h('dt', {}, h('code', {}, fault.pointer === '' ? '(whole spec)' : fault.pointer)),
          h('dd', {}, fault.detail),
        ]),
      ),
    ),
  ];
}
