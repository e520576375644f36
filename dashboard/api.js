/**
 * @typedef {'queued' | 'opening' | 'indexing' | 'running' | 'waiting' | 'paused' | 'closing'
 *   | 'completed' | 'stopped' | 'stalled' | 'cancelled' | 'failed' | 'inconsistent'} RunState
 *
 * @typedef {{ least: number, likely: number, most: number }} Interval
 *
 * @typedef {object} Usage
 * @property {number} requests
 * @property {number} entitledRequests
 * @property {number} executionSeconds
 * @property {string} binding
 *
 * @typedef {Usage & { seconds: Interval }} Plan
 *
 * @typedef {object} Progress
 * @property {number} rowsTotal
 * @property {number} rowsDone
 * @property {Record<string, number>} counts
 * @property {number | null} rowsPerSecond
 * @property {Interval | null} secondsLeft
 * @property {number} wave
 * @property {number} lanes
 * @property {number | null} dopHint
 * @property {number | null} rowsPerRequest
 * @property {number} requests
 * @property {number} throttled
 * @property {string | null} waitingUntil
 *
 * @typedef {object} Run
 * @property {string} runId
 * @property {RunState} state
 * @property {string} createdAt
 * @property {string} updatedAt
 * @property {string} connection
 * @property {string} table
 * @property {string} operation
 * @property {{ container: string, blob: string }} source
 * @property {Plan | null} plan
 * @property {Progress | null} progress
 * @property {{ pointer: string, detail: string }[]} faults
 * @property {string | null} note
 * @property {{ kind: 'redrive' | 'undo', of: string, root: string } | null} lineage
 * @property {string[]} children
 *
 * @typedef {object} Report
 * @property {RunState} state
 * @property {string} [reason]
 * @property {{ container: string, blob: string, etag: string, bytes: number, sha256: string | null }} source
 * @property {number | null} rowsTotal
 * @property {Record<string, number>} counts
 * @property {number} recovered
 * @property {number} superseded
 * @property {{ tiles: boolean, parts: number, rowsCovered: number, sumsAgree: boolean } | null} proof
 * @property {{ from: number, to: number }[]} overlaps
 * @property {number} requests
 * @property {number} throttled
 * @property {string} startedAt
 * @property {string} endedAt
 * @property {number} seconds
 * @property {number | null} rowsPerSecond
 * @property {{ planned: Plan, actual: Usage & { seconds: number } } | null} plan
 * @property {{ code: string, message: string, count: number, firstRow: number }[]} topFailures
 */

const keyName = 'fanout.functionKey';
const attemptTimeoutMs = 20_000;

/** The service wants a function key, or another one. */
export class KeyWantedError extends Error {}

/** The service answered, but not with what was asked for. */
export class AnswerError extends Error {
  /** @param {number} status @param {string} message */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** Kept for this tab only. @param {string} key */
export const keepKey = (key) => sessionStorage.setItem(keyName, key);

export const hasKey = () => sessionStorage.getItem(keyName) !== null;

/** @param {AbortSignal} signal @returns {Promise<Run[]>} */
export async function listRuns(signal) {
  const body = await getJson('runs?top=50', signal);
  return Array.isArray(body) ? body : body.runs;
}

/** @param {string} runId @param {AbortSignal} signal @returns {Promise<Run>} */
export const getRun = (runId, signal) => getJson(runPath(runId), signal);

/** Undefined while there is none. @param {string} runId @param {AbortSignal} signal @returns {Promise<Report | undefined>} */
export async function getReport(runId, signal) {
  try {
    return await getJson(`${runPath(runId)}/report`, signal);
  } catch (error) {
    if (error instanceof AnswerError && error.status === 404) return undefined;
    throw error;
  }
}

/** JSON lines, one for each row that was rejected or is unknown. @param {string} runId @returns {Promise<Blob>} */
export async function getFailures(runId) {
  const response = await send(`${runPath(runId)}/failures`, {});
  return response.blob();
}

/**
 * Does something to a run, or begins another one with its rows; answers the run that then is to be watched.
 *
 * @param {string} runId
 * @param {'cancel' | 'pause' | 'unpause' | 'resume' | 'redrive'} what
 * @returns {Promise<{ runId: string }>}
 */
export async function orderRun(runId, what) {
  // The header is one that no form and no foreign page can send without asking first.
  const response = await send(`${runPath(runId)}/${what}`, {
    method: 'POST',
    headers: { 'x-fanout-client': 'dashboard' },
  });
  return response.json();
}

/** @param {string} runId */
const runPath = (runId) => `runs/${encodeURIComponent(runId)}`;

/** @param {string} path @param {AbortSignal} signal @returns {Promise<any>} */
async function getJson(path, signal) {
  const response = await send(path, { signal });
  return response.json();
}

/**
 * @param {string} path relative to the folder the page is in
 * @param {{ method?: string, headers?: Record<string, string>, signal?: AbortSignal }} request
 */
async function send(path, request) {
  const key = sessionStorage.getItem(keyName);
  const timeout = AbortSignal.timeout(attemptTimeoutMs);
  const response = await fetch(path, {
    ...request,
    headers: { accept: 'application/json', ...request.headers, ...(key === null ? {} : { 'x-functions-key': key }) },
    signal: request.signal === undefined ? timeout : AbortSignal.any([request.signal, timeout]),
    cache: 'no-store',
  });
  if (response.status === 401) throw new KeyWantedError();
  if (!response.ok) throw new AnswerError(response.status, await problemText(response));
  return response;
}

/** @param {Response} response */
async function problemText(response) {
  try {
    const { title, detail } = await response.json();
    const said = [title, detail].filter((part) => typeof part === 'string' && part !== '').join(' ');
    if (said !== '') return said;
  } catch {
    // No problem document: the status has to do.
  }
  return `The service answered ${response.status}.`;
}

const endStates = new Set(['completed', 'stopped', 'stalled', 'cancelled', 'failed', 'inconsistent']);

/** @param {RunState} state */
export const hasEnded = (state) => endStates.has(state);
