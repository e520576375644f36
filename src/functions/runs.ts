import { createHash } from 'node:crypto';
import type { HttpResponseInit } from '@azure/functions';
import { parseRunSpec } from '../plan/spec.ts';
import { acceptRun, ensureStarted, isSameRun, pinSource, withSettingFaults } from './accept-run.ts';
import { faultyProblem, problem } from './problem.ts';
import {
  accepted,
  foreignProblem,
  idempotencyKeyOf,
  isForeign,
  newRunId,
  noSuchRun,
  readBody,
  runIdOf,
  type Handler,
} from './requests.ts';
import { viewRun } from './run-view.ts';
import type { RunsDeps } from './runs-deps.ts';

const defaultTop = 20;
const mostTop = 100;

/** `POST /runs`: checks the spec, accepts the run, answers before it begins. */
export const startRun =
  (deps: RunsDeps): Handler =>
  async (request, client) => {
    if (isForeign(request)) return foreignProblem();
    const body = await readBody(request);
    if ('refused' in body) return body.refused;
    const parsed = parseRunSpec(body.json);
    if ('faults' in parsed) return faultyProblem('run spec', withSettingFaults(deps, body.json, parsed.faults));
    const { spec } = parsed;
    const named = idempotencyKeyOf(request);
    if ('refused' in named) return named.refused;
    const { key } = named;
    const runId = key === undefined ? newRunId() : `k-${createHash('sha256').update(key).digest('hex').slice(0, 40)}`;
    const known = key === undefined ? undefined : await deps.ledger.manifest(runId);
    if (known === undefined) {
      const pinned = await pinSource(deps, spec);
      if ('faults' in pinned) return faultyProblem('run spec', pinned.faults);
      if (!(await acceptRun(deps, client, { runId, spec, pin: pinned.pin }))) return otherSpecProblem();
    } else {
      if (!isSameRun(known, { spec })) return otherSpecProblem();
      await ensureStarted(deps, client, known);
    }
    return accepted(request, runId);
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

/** `GET /runs/{runId}/report`: the proof. */
export const getReport =
  (deps: RunsDeps): Handler =>
  async (request) => {
    const report = await deps.ledger.readReport(runIdOf(request));
    return report === undefined
      ? problem(404, 'There is no report: no such run, or its books are not closed yet.')
      : { jsonBody: report };
  };

const contentTypes = { jsonl: 'application/jsonl', csv: 'text/csv; charset=utf-8' } as const;

/** `GET /runs/{runId}/failures`: JSON lines, or with `format=csv` the original columns and the reason. */
export const getFailures =
  (deps: RunsDeps): Handler =>
  async (request) => {
    const format = request.query.get('format') ?? 'jsonl';
    if (format !== 'jsonl' && format !== 'csv') return problem(400, 'format must be jsonl or csv.');
    const stream = await deps.ledger.readFailures(runIdOf(request), format);
    if (stream === undefined)
      return problem(404, 'There are no failures to read: no such run, or its books are not closed yet.');
    return { headers: { 'content-type': contentTypes[format] }, body: stream as unknown as ReadableStream };
  };

const otherSpecProblem = (): HttpResponseInit =>
  problem(409, 'This idempotency-key belongs to a run with another spec.');
