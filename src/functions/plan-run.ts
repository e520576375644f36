import type { createCheckPlan } from '../activities/check-plan.ts';
import type { RowCount } from '../activities/count-rows.ts';
import { planBounds, planJob, type JobPlan } from '../plan/plan-job.ts';
import { parseRunSpec } from '../plan/spec.ts';
import { pinSource, runBounds, withSettingFaults } from './accept-run.ts';
import { faultyProblem } from './problem.ts';
import { readGovernor } from './read-governor.ts';
import { readBody, type Handler } from './requests.ts';
import type { RunsDeps } from './runs-deps.ts';

export interface PlanDeps extends RunsDeps {
  readonly checkPlan: ReturnType<typeof createCheckPlan>;
}

/** What a run would be: nothing is started, sent or stored. */
export interface RunPlanView extends JobPlan {
  readonly rows: RowCount;
  /** Why table and mapping are not checked; null when they are, and without a fault. */
  readonly unchecked: string | null;
}

/** `POST /plans`: whether the run of a spec could begin, how long it will take, what it will use, and which limit it will feel. */
export const planRun =
  (deps: PlanDeps): Handler =>
  async (request, client) => {
    const body = await readBody(request);
    if ('refused' in body) return body.refused;
    const parsed = parseRunSpec(body.json);
    if ('faults' in parsed) return faultyProblem('run spec', withSettingFaults(deps, body.json, parsed.faults));
    const { spec } = parsed;
    const pinned = await pinSource(deps, spec);
    if ('faults' in pinned) return faultyProblem('run spec', pinned.faults);
    const [checked, cost, known] = await Promise.all([
      deps.checkPlan(spec, pinned.pin),
      deps.ledger.readCost({ connection: spec.connection, ...spec.target }),
      readGovernor(client, spec.connection),
    ]);
    if ('faults' in checked) return faultyProblem('run spec', checked.faults);
    const { rows, target, unchecked } = checked;
    const { key = [], operation, table } = spec.target;
    const plan = planJob({
      rows: { least: rows.least, likely: rows.count, most: rows.most },
      operation,
      // Without metadata, by the name that primary keys have nearly always.
      byAlternateKey: target?.byAlternateKey ?? key.some((column) => column !== `${table}id`),
      isElastic: target?.isElastic ?? false,
      cost,
      rowsPerRequest: spec.options.rowsPerRequest,
      bounds: planBounds(runBounds(deps.settings, spec.connection), spec, {
        hint: target === undefined ? known.hint : (target.dopHint ?? null),
        ceiling: known.ceiling,
      }),
    });
    return { jsonBody: { ...plan, rows, unchecked } satisfies RunPlanView };
  };
