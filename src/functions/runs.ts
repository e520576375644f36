import { createHash, randomUUID } from 'node:crypto';
import type { HttpRequest, HttpResponseInit } from '@azure/functions';
import type { DurableClient } from 'durable-functions';
import { cancelEvent } from '../names.ts';
import type { Fault } from '../plan/fault.ts';
import { parseRunSpec } from '../plan/spec.ts';
import { acceptRun, ensureStarted, findSettingFaults, isSameSpec, pinSource, type NamedInSpec } from './accept-run.ts';
import { faultyProblem, problem } from './problem.ts';
import { linksOf, viewRun } from './run-view.ts';
import type { RunsDeps } from './runs-deps.ts';

type Handler = (request: HttpRequest, client: DurableClient) => Promise<HttpResponseInit>;

const bodyLimitBytes = 64 * 1024;
const retryAfterSeconds = 2;
const defaultTop = 20;
const mostTop = 100;

/** `POST /runs`: checks the spec, accepts the run, answers before it begins. */
export const startRun =
  (deps: RunsDeps): Handler =>
  async (request, client) => {
    if (isForeign(request)) return foreignProblem();
    const body = await request.text();
    if (Buffer.byteLength(body) > bodyLimitBytes)
      return problem(413, `A run spec has at most ${bodyLimitBytes} bytes; this has ${Buffer.byteLength(body)}.`);
    const json = parseJson(body);
    if (json === undefined) return faultyProblem('run spec', [{ pointer: '', detail: 'The body is not JSON.' }]);
    const parsed = parseRunSpec(json.value);
    if ('faults' in parsed) return faultyProblem('run spec', withSettingFaults(deps, json.value, parsed.faults));
    const { spec } = parsed;
    const key = request.headers.get('idempotency-key');
    const runId = key === null ? newRunId() : `k-${createHash('sha256').update(key).digest('hex').slice(0, 40)}`;
    const known = key === null ? undefined : await deps.ledger.manifest(runId);
    if (known === undefined) {
      const pinned = await pinSource(deps, spec);
      if ('faults' in pinned) return faultyProblem('run spec', pinned.faults);
      if (!(await acceptRun(deps, client, { runId, spec, pin: pinned.pin }))) return otherSpecProblem();
    } else {
      if (!isSameSpec(known, spec)) return otherSpecProblem();
      await ensureStarted(deps, client, known);
    }
    const links = linksOf(request.url, runId);
    return {
      status: 202,
      headers: { location: links.self, 'retry-after': String(retryAfterSeconds) },
      jsonBody: { runId, links },
    };
  };

/** `GET /runs`: the latest runs. */
export const listRuns =
  (deps: RunsDeps): Handler =>
  async (request, client) => {
    const top = Number(request.query.get('top') ?? defaultTop);
    if (!Number.isInteger(top) || top < 1 || top > mostTop)
      return problem(400, `top must be a whole number from 1 to ${mostTop}.`);
    const runIds = await deps.ledger.recentRuns(top);
    const runs = await Promise.all(runIds.map(async (runId) => viewRun(deps, client, runId, request.url)));
    return { jsonBody: { runs: runs.filter((run) => run !== undefined) } };
  };

/** `GET /runs/{runId}`: one run. */
export const getRun =
  (deps: RunsDeps): Handler =>
  async (request, client) => {
    const run = await viewRun(deps, client, runIdOf(request), request.url);
    return run === undefined ? noSuchRun() : { jsonBody: run };
  };

/** `POST /runs/{runId}/cancel`: lanes stop before their next request, a waiting run wakes up. */
export const cancelRun =
  (deps: RunsDeps): Handler =>
  async (request, client) => {
    if (isForeign(request)) return foreignProblem();
    const runId = runIdOf(request);
    const manifest = await deps.ledger.manifest(runId);
    if (manifest === undefined) return noSuchRun();
    const report = await deps.ledger.readReport(runId);
    if (report !== undefined) return problem(409, `The run has ended as ${report.state}.`);
    await deps.ledger.cancel(runId);
    // A run whose orchestration never came to life, or broke, has to live once more to close its books.
    await ensureStarted(deps, client, manifest);
    await client.raiseEvent(runId, cancelEvent, {});
    const links = linksOf(request.url, runId);
    return {
      status: 202,
      headers: { location: links.self, 'retry-after': String(retryAfterSeconds) },
      jsonBody: { runId, links },
    };
  };

/** `GET /runs/{runId}/report`: the proof. */
export const getReport =
  (deps: RunsDeps): Handler =>
  async (request) => {
    const report = await deps.ledger.readReport(runIdOf(request));
    return report === undefined
      ? problem(404, 'There is no report: no such run, or its books are not closed yet.')
      : { jsonBody: report };
  };

/** `GET /runs/{runId}/failures`: JSON lines. */
export const getFailures =
  (deps: RunsDeps): Handler =>
  async (request) => {
    const stream = await deps.ledger.readFailures(runIdOf(request));
    if (stream === undefined)
      return problem(404, 'There are no failures to read: no such run, or its books are not closed yet.');
    return { headers: { 'content-type': 'application/jsonl' }, body: stream as unknown as ReadableStream };
  };

/** Browsers name the page a request comes from; a page of another site may not start or end anything here. */
function isForeign(request: HttpRequest): boolean {
  const origin = request.headers.get('origin');
  return origin !== null && (!URL.canParse(origin) || new URL(origin).host !== new URL(request.url).host);
}

const foreignProblem = (): HttpResponseInit => problem(403, 'Requests of pages of other sites are refused.');

/** A spec with faults is also told which of its names the settings do not know, once for each place. */
function withSettingFaults(deps: RunsDeps, json: unknown, faults: readonly Fault[]): readonly Fault[] {
  const named = typeof json === 'object' && json !== null ? (json as NamedInSpec) : {};
  const placed = new Set(faults.map(({ pointer }) => pointer));
  return [...faults, ...findSettingFaults(deps, named).filter(({ pointer }) => !placed.has(pointer))];
}

const otherSpecProblem = (): HttpResponseInit =>
  problem(409, 'This idempotency-key belongs to a run with another spec.');

const noSuchRun = (): HttpResponseInit => problem(404, 'There is no such run.');

/** Ids stand in blob names and instance ids; what no id can be is answered like an id that does not exist. */
function runIdOf(request: HttpRequest): string {
  const runId = request.params['runId'] ?? '';
  return /^[A-Za-z0-9_-]{1,100}$/.test(runId) ? runId : 'no-such-run';
}

/** Sorts by time, tells nothing else. */
function newRunId(): string {
  const stamp = new Date().toISOString().replaceAll(/[-:]|\.\d+Z$/g, '');
  return `${stamp}-${randomUUID().slice(0, 8)}`;
}

function parseJson(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}
