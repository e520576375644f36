import { EntityId, type DurableClient } from 'durable-functions';
import type { createCountRows, RowCount } from '../activities/count-rows.ts';
import { names } from '../names.ts';
import { planJob, type JobPlan } from '../plan/estimate.ts';
import type { GovernorState } from '../plan/governor.ts';
import { maxDop } from '../plan/bounds.ts';
import type { RunSpec } from '../plan/run-spec.ts';
import { parseRunSpec } from '../plan/spec.ts';
import { pinSource } from './accept-run.ts';
import { faultyProblem } from './problem.ts';
import { readBody, type Handler } from './requests.ts';
import type { RunsDeps } from './runs-deps.ts';

export interface PlanDeps extends RunsDeps {
  readonly countRows: ReturnType<typeof createCountRows>;
}

/** What a run would be: nothing is started, sent or stored. */
export interface RunPlanView extends JobPlan {
  readonly rows: RowCount;
}

/** `POST /plans`: how long the run of a spec will take, what it will use, and which limit it will feel. */
export const planRun =
  (deps: PlanDeps): Handler =>
  async (request, client) => {
    const body = await readBody(request);
    if ('refused' in body) return body.refused;
    const parsed = parseRunSpec(body.json);
    if ('faults' in parsed) return faultyProblem('run spec', parsed.faults);
    const { spec } = parsed;
    const pinned = await pinSource(deps, spec);
    if ('faults' in pinned) return faultyProblem('run spec', pinned.faults);
    const rows = await deps.countRows(spec, pinned.pin);
    if ('faults' in rows) return faultyProblem('run spec', rows.faults);
    const [cost, known] = await Promise.all([
      deps.ledger.readCost({ connection: spec.connection, ...spec.target }),
      whatGovernorKnows(client, spec.connection),
    ]);
    const { operation, table } = spec.target;
    const key = 'key' in spec.target ? spec.target.key : undefined;
    const plan = planJob({
      rows: rows.count,
      operation,
      byAlternateKey: key !== undefined && !(key.length === 1 && key[0] === `${table}id`),
      cost,
      rowsPerRequest: spec.options.rowsPerRequest,
      ...boundsOf(deps, spec, known),
    });
    return { jsonBody: { rows, ...plan } satisfies RunPlanView };
  };

interface Known {
  readonly hint: number | undefined;
  readonly ceiling: number | undefined;
}

/** What runs on the connection have taught; nothing where there was none. */
async function whatGovernorKnows(client: DurableClient, connection: string): Promise<Known> {
  const { entityState } = await client.readEntityState<GovernorState>(new EntityId(names.governor, connection));
  const law = (entityState as Partial<GovernorState> | undefined)?.law;
  if (law?.cells === undefined) return { hint: undefined, ceiling: undefined };
  return {
    hint: law.hint ?? undefined,
    ceiling: law.ceiling === null ? undefined : law.ceiling * law.cells.length,
  };
}

/** The hint is a bound unless the connection's settings say that more may be tried. */
function boundsOf({ settings }: RunsDeps, spec: RunSpec, { hint, ceiling }: Known): Known & { mostLanes: number } {
  const connection = settings.connections.get(spec.connection);
  const isBound = connection?.beyondHint !== true && hint !== undefined;
  const mostLanes = Math.min(
    settings.maxLanes,
    connection?.maxDop ?? maxDop,
    spec.options.maxLanes ?? maxDop,
    isBound ? hint : maxDop,
  );
  return { hint, ceiling, mostLanes };
}
