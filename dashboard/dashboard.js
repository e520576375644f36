import { AnswerError, KeyWantedError, getReport, getRun, hasEnded, listRuns } from './api.js';
import { h, setText } from './dom.js';
import { formatShare } from './format.js';
import { createKeyView } from './key-view.js';
import { createListView } from './list-view.js';
import { createRunView } from './run-view.js';

const refreshMs = 2_000;
const longestPauseMs = 15_000;
const name = 'dataverse-fanout';

const view = /** @type {HTMLElement} */ (document.getElementById('view'));
const pulse = /** @type {HTMLElement} */ (document.getElementById('pulse'));

/**
 * What the page shows. `refresh` asks and draws; it answers whether there will be news later.
 *
 * @typedef {object} Screen
 * @property {HTMLElement} element
 * @property {(signal: AbortSignal) => Promise<boolean>} refresh
 * @property {() => void} [redraw]
 */

/** @returns {Screen} */
function listScreen() {
  const list = createListView();
  document.title = `Runs – ${name}`;
  return {
    element: list.element,
    async refresh(signal) {
      list.update(await listRuns(signal));
      return true;
    },
  };
}

/** @param {string} runId @returns {Screen} */
function runScreen(runId) {
  const run = createRunView(runId, () => pollNow());
  return {
    element: run.element,
    redraw: run.redraw,
    async refresh(signal) {
      const now = await getRun(runId, signal);
      const report = hasEnded(now.state) ? await getReport(runId, signal) : undefined;
      run.update(now, report);
      const { progress } = now;
      const done =
        progress === null || hasEnded(now.state) ? now.state : formatShare(progress.rowsDone, progress.rowsTotal);
      document.title = `${done} · ${now.table} – ${name}`;
      // A failed run may have no report at all; any other ended run gets one.
      return !hasEnded(now.state) || (report === undefined && now.state !== 'failed');
    },
  };
}

/** @type {Screen} */
let screen;
/** @type {AbortController} */
let polling = new AbortController();

function show() {
  const runId = new URLSearchParams(location.hash.slice(1)).get('run');
  screen = runId === null || runId === '' ? listScreen() : runScreen(runId);
  view.replaceChildren(screen.element);
  pollNow();
}

function pollNow() {
  polling.abort();
  polling = new AbortController();
  void poll(screen, polling.signal);
}

/** @param {Screen} shown @param {AbortSignal} signal */
async function poll(shown, signal) {
  for (let failures = 0; !signal.aborted;) {
    try {
      const more = await shown.refresh(signal);
      if (signal.aborted) return;
      failures = 0;
      clearNotice();
      sayPulse(more ? 'live' : 'ended', more ? 'Live' : 'Ended');
      if (!more) return;
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof KeyWantedError) {
        askForKey();
        return;
      }
      failures += 1;
      if (!sayFailure(error)) return;
    }
    await pause(Math.min(longestPauseMs, refreshMs * 2 ** Math.min(failures, 5)), signal);
  }
}

/** Waits, and goes on waiting while nobody looks. @param {number} ms @param {AbortSignal} signal */
async function pause(ms, signal) {
  await new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve(undefined)), { once: true });
  });
  if (!document.hidden || signal.aborted) return;
  await new Promise((resolve) => {
    document.addEventListener('visibilitychange', resolve, { once: true, signal });
    signal.addEventListener('abort', resolve, { once: true });
  });
}

function askForKey() {
  const key = createKeyView(show);
  document.title = `Function key – ${name}`;
  sayPulse('locked', 'Key wanted');
  view.replaceChildren(key.element);
  key.focus();
}

/** Says what went wrong beside what is still shown; answers whether it is worth asking again. @param {unknown} error */
function sayFailure(error) {
  if (error instanceof AnswerError && error.status === 404) {
    sayPulse('down', 'Not found');
    view.replaceChildren();
    notice(error.message, 'Runs are kept for a limited time.', h('a', { href: '#' }, 'All runs'));
    return false;
  }
  const answered = error instanceof AnswerError;
  sayPulse('down', answered ? 'Trouble' : 'Not reachable');
  notice(
    answered ? error.message : 'The service does not answer.',
    'Trying again; what is shown below may be out of date.',
    h('button', { type: 'button', onclick: () => pollNow() }, 'Try now'),
  );
  return true;
}

/** @param {string} title @param {string} text @param {HTMLElement} action */
function notice(title, text, action) {
  clearNotice();
  view.prepend(
    h('div', { class: 'notice', id: 'notice', role: 'alert' }, h('p', {}, h('strong', {}, title), ` ${text}`), action),
  );
}

function clearNotice() {
  document.getElementById('notice')?.remove();
}

/** @param {string} health @param {string} text */
function sayPulse(health, text) {
  pulse.dataset.health = health;
  setText(pulse, text);
}

addEventListener('hashchange', () => {
  show();
  document.getElementById('heading')?.focus();
});
addEventListener('resize', () => screen.redraw?.());
show();
