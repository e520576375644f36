import { createHash } from 'node:crypto';
import type { HttpRequest, HttpResponseInit } from '@azure/functions';
import type { DurableClient } from 'durable-functions';
import type { Manifest } from '../ledger/run-files.ts';
import type { Lineage } from '../plan/lineage.ts';
import { parseRedriveSpec, type RedriveSpec } from '../plan/redrive-spec.ts';
import type { Report } from '../plan/report.ts';
import { undoSpecOf } from '../plan/undo-spec.ts';
import { acceptRun, pinSource, type Acceptance } from './accept-run.ts';
import { faultyProblem, problem } from './problem.ts';
import {
  accepted,
  foreignProblem,
  idempotencyKeyOf,
  isForeign,
  newRunId,
  noSuchRun,
  readBody,
  refuse,
  runIdOf,
  type Handler,
  type Refused,
} from './requests.ts';
import type { RunsDeps } from './runs-deps.ts';

/** `POST /runs/{runId}/redrive`: a run of its own over the rows of an ended run that are left to be done. */
export const redriveRun =
  (deps: RunsDeps): Handler =>
  async (request, client) => {
    if (isForeign(request)) return foreignProblem();
    const parent = await endedRun(deps, runIdOf(request));
    if ('refused' in parent) return parent.refused;
    const body = await readBody(request, {});
    if ('refused' in body) return body.refused;
    const parsed = parseRedriveSpec(body.json);
    if ('faults' in parsed) return faultyProblem('redrive', parsed.faults);
    const planned = await planRedrive(deps, parent, parsed.spec);
    if ('refused' in planned) return planned.refused;
    return takeUp(deps, client, request, planned);
  };

/** `POST /runs/{runId}/undo`: deletes exactly the rows that a create run created, unless they were changed since. */
export const undoRun =
  (deps: RunsDeps): Handler =>
  async (request, client) => {
    if (isForeign(request)) return foreignProblem();
    const parent = await endedRun(deps, runIdOf(request));
    if ('refused' in parent) return parent.refused;
    const { manifest } = parent;
    if (manifest.spec.target.operation !== 'create') return problem(409, 'Only a run that creates rows can be undone.');
    const lineage: Lineage = { kind: 'undo', of: manifest.runId, root: rootOf(manifest) };
    return takeUp(deps, client, request, { spec: undoSpecOf(manifest.spec), pin: manifest.pin, lineage });
  };

interface EndedRun {
  readonly manifest: Manifest;
  readonly report: Report;
}

const rootOf = ({ runId, lineage }: Manifest): string => lineage?.root ?? runId;

/** Rows can be taken up when every one of them has its place in closed books. */
async function endedRun({ ledger }: RunsDeps, runId: string): Promise<EndedRun | Refused> {
  const manifest = await ledger.manifest(runId);
  if (manifest === undefined) return refuse(noSuchRun());
  const report = await ledger.readReport(runId);
  if (report === undefined) return refuse(problem(409, 'The run has not ended.'));
  if (report.state === 'inconsistent') return refuse(problem(409, 'The books of the run do not close.'));
  if (report.proof === null) return refuse(problem(409, 'The run ended before its rows were counted; start it again.'));
  return { manifest, report };
}

type Planned = Omit<Acceptance, 'runId'> & { readonly lineage: Lineage };

async function planRedrive(
  deps: RunsDeps,
  { manifest }: EndedRun,
  { rows, source }: RedriveSpec,
): Promise<Planned | Refused> {
  if (manifest.lineage?.kind === 'undo') return refuse(problem(409, 'An undo is not redriven; undo the run again.'));
  const lineage: Lineage = {
    kind: 'redrive',
    of: manifest.runId,
    root: rootOf(manifest),
    selection: rows,
    edited: source !== undefined,
  };
  if (source === undefined) return { spec: manifest.spec, pin: manifest.pin, lineage };
  const spec = { ...manifest.spec, source };
  const pinned = await pinSource(deps, spec);
  return 'faults' in pinned ? refuse(faultyProblem('redrive', pinned.faults)) : { spec, pin: pinned.pin, lineage };
}

async function takeUp(
  deps: RunsDeps,
  client: DurableClient,
  request: HttpRequest,
  planned: Planned,
): Promise<HttpResponseInit> {
  const named = idempotencyKeyOf(request);
  if ('refused' in named) return named.refused;
  const { key } = named;
  const { kind, of } = planned.lineage;
  const digest =
    key === undefined
      ? undefined
      : createHash('sha256')
          .update(JSON.stringify([key, kind, of]))
          .digest('hex');
  const runId = digest === undefined ? newRunId() : `k-${digest.slice(0, 40)}`;
  await deps.ledger.addChild(of, runId);
  const isSame = await acceptRun(deps, client, { ...planned, runId });
  if (!isSame) return problem(409, 'This idempotency-key belongs to another request.');
  return accepted(request, runId);
}
