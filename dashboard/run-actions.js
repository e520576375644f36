import { hasEnded, orderRun } from './api.js';
import { h, setText } from './dom.js';
import { formatCount } from './format.js';

/**
 * @typedef {import('./api.js').Run} Run
 * @typedef {import('./api.js').Report} Report
 */

/**
 * What a person may do to a run. `onChanged` is called when the run itself was changed, `onStarted` with the id of a run that was begun.
 *
 * @param {string} runId
 * @param {{ onChanged: () => void, onStarted: (runId: string) => void }} told
 */
export function createActions(runId, { onChanged, onStarted }) {
  const hold = createHold(runId, onChanged);
  const cancel = createCancel(runId, onChanged);
  const redrive = createRedrive(runId, onStarted);
  return {
    element: h('div', { class: 'actions' }, hold.element, cancel.element, redrive.element),
    /** @param {Run} run @param {Report | undefined} report */
    update(run, report) {
      hold.update(run, report);
      cancel.update(run);
      redrive.update(run, report);
    },
  };
}

/**
 * Pause, go on, or resume: whatever fits the state, in one button.
 *
 * @param {string} runId
 * @param {() => void} onChanged
 */
function createHold(runId, onChanged) {
  /** @type {ReturnType<typeof holdOf>} */
  let hold;
  const message = h('p', { class: 'warn', role: 'alert' });
  const button = h('button', { type: 'button', onclick: () => void turn() });

  async function turn() {
    if (hold === undefined) return;
    button.disabled = true;
    setText(message, '');
    try {
      await orderRun(runId, hold.what);
      onChanged();
    } catch (error) {
      setText(message, textOf(error));
    } finally {
      button.disabled = false;
    }
  }
  return {
    element: h('div', {}, button, message),
    /** @param {Run} run @param {Report | undefined} report */
    update({ state }, report) {
      hold = holdOf(state, report);
      button.hidden = hold === undefined;
      setText(button, hold?.text ?? '');
    },
  };
}

/** @param {Run['state']} state @param {Report | undefined} report */
function holdOf(state, report) {
  if (state === 'paused') return /** @type {const} */ ({ what: 'unpause', text: 'Go on' });
  // Without a report the books are open: the orchestration broke.
  if (state === 'failed' && report === undefined) return /** @type {const} */ ({ what: 'resume', text: 'Resume' });
  if (hasEnded(state) || state === 'closing') return undefined;
  return /** @type {const} */ ({ what: 'pause', text: 'Pause' });
}

/** @param {string} runId @param {() => void} onChanged */
function createCancel(runId, onChanged) {
  let asked = false;
  const question = createQuestion({
    open: 'Cancel run',
    title: 'Cancel this run?',
    text: 'Rows already sent stay as they are. The rest is reported as not attempted. This cannot be undone.',
    no: 'Let it run',
    yes: 'Cancel the run',
    danger: true,
    async act() {
      await orderRun(runId, 'cancel');
      asked = true;
      onChanged();
    },
  });
  return {
    element: question.element,
    /** @param {Run} run */
    update({ state }) {
      question.show(!hasEnded(state));
      question.button.disabled = asked;
      setText(question.button, asked ? 'Cancelling …' : 'Cancel run');
    },
  };
}

/** @param {string} runId @param {(runId: string) => void} onStarted */
function createRedrive(runId, onStarted) {
  const question = createQuestion({
    open: 'Send again',
    title: 'Send these rows again?',
    text:
      'A new run sends the rows that were rejected, are unknown or were not attempted, with the values of the same file. ' +
      'Mended values are sent with the command: fanout redrive.',
    no: 'Leave them',
    yes: 'Send them again',
    danger: false,
    async act() {
      const { runId: started } = await orderRun(runId, 'redrive');
      onStarted(started);
    },
  });
  return {
    element: question.element,
    /** @param {Run} run @param {Report | undefined} report */
    update({ lineage }, report) {
      const rows = report === undefined || lineage?.kind === 'undo' ? 0 : rowsLeft(report);
      question.show(rows > 0);
      setText(question.button, `Send ${formatCount(rows)} ${rows === 1 ? 'row' : 'rows'} again`);
    },
  };
}

/** Rows a redrive would take; those whose key comes again later in the file are done with. @param {Report} report */
function rowsLeft({ state, proof, counts, superseded }) {
  if (proof === null || state === 'inconsistent') return 0;
  const { rejected = 0, unknown = 0, notAttempted = 0 } = counts;
  return rejected + unknown + notAttempted - superseded;
}

/**
 * A button that asks before it acts.
 *
 * @param {{ open: string, title: string, text: string, no: string, yes: string, danger: boolean, act: () => Promise<void> }} options
 */
function createQuestion({ open, title, text, no, yes, danger, act }) {
  const kind = danger ? { class: 'danger' } : {};
  const titleId = `${open.toLowerCase().replaceAll(' ', '-')}-title`;
  const message = h('p', { class: 'warn', role: 'alert' });
  const button = h('button', { type: 'button', ...kind, onclick: () => dialog.showModal() }, open);
  const confirm = h('button', { type: 'button', ...kind, onclick: () => void answer() }, yes);
  const dialog = h(
    'dialog',
    { 'aria-labelledby': titleId },
    h('h2', { id: titleId }, title),
    h('p', {}, text),
    message,
    h('div', { class: 'buttons' }, h('button', { type: 'button', onclick: () => dialog.close() }, no), confirm),
  );

  async function answer() {
    confirm.disabled = true;
    setText(message, '');
    try {
      await act();
      dialog.close();
    } catch (error) {
      setText(message, textOf(error));
    } finally {
      confirm.disabled = false;
    }
  }
  return {
    element: h('div', {}, button, dialog),
    button,
    /** @param {boolean} isOffered */
    show(isOffered) {
      button.hidden = !isOffered;
      if (!isOffered && dialog.open) dialog.close();
    },
  };
}

/** @param {unknown} error */
const textOf = (error) =>
  error instanceof Error && error.message !== '' ? error.message : 'The service did not take it.';
