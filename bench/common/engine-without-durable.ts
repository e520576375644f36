import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { createCloseRun } from '../../src/activities/close-run.ts';
import { createIndexSource } from '../../src/activities/index-source.ts';
import { createOpenRun } from '../../src/activities/open-run.ts';
import { createSendRows } from '../../src/activities/send-rows.ts';
import { defaultRowsPerRequest } from '../../src/plan/bounds.ts';
import type { LaneReport } from '../../src/plan/lane.ts';
import { planBounds } from '../../src/plan/plan-job.ts';
import { parseRunSpec } from '../../src/plan/spec.ts';
import { sum } from '../../src/plan/sum.ts';
import { dealLanes, type LaneWork } from '../../src/plan/waves.ts';
import { loadSettings } from '../../src/settings.ts';
import { wire } from '../../src/wiring.ts';

const boxMs = 24 * 3_600_000;

/**
 * The app's activities on the app's settings, called one after the other in this process: no orchestration, no governor, no waves. As many lanes as the
 * environment recommends, each with an equal share of the slices and one box for all of it.
 */
export async function runWithoutDurable(specText: unknown): Promise<{ readonly rows: number }> {
  const deps = wire(loadSettings(process.env));
  const parsed = parseRunSpec(specText);
  if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults));
  const { spec } = parsed;
  const runId = randomUUID();
  const startedAt = new Date().toISOString();
  const pin = await deps.source.pin(spec.source.container, spec.source.blob);
  if ('missing' in pin) throw new Error(`The ${pin.missing} is missing.`);
  await deps.ledger.accept({ runId, spec, pin, createdAt: startedAt });
  const opened = await createOpenRun(deps)({ runId, spec });
  if (!('dopHint' in opened)) throw new Error(JSON.stringify(opened));
  const { dopHint } = opened;
  const bounds = planBounds(deps.settings, spec, { hint: dopHint, ceiling: undefined });
  const indexed = await createIndexSource(deps)({ runId, spec, lanes: dopHint, bounds });
  if ('faults' in indexed) throw new Error(JSON.stringify(indexed.faults));

  const sendRows = createSendRows(deps);
  const rowsPerRequest = spec.options.rowsPerRequest ?? defaultRowsPerRequest;
  const sendAll = async (work: LaneWork): Promise<LaneReport[]> => {
    const reports: LaneReport[] = [];
    for (let left = work; left.length > 0;) {
      const boxEndsAt = new Date(Date.now() + boxMs).toISOString();
      const input = { runId, wave: 0, stretches: left, boxEndsAt, rowsPerRequest, duty: 1, dopHint: null };
      const report = await sendRows(input);
      if (report.end === 'refused' || report.end === 'broken') throw new Error(report.detail ?? report.end);
      reports.push(report);
      ({ left } = report);
      if (report.waitMs > 0) await delay(report.waitMs);
    }
    return reports;
  };
  const whole = [{ from: 0, to: indexed.sliceCount }];
  const { lanes } = dealLanes(whole, dopHint, { even: true });
  const reports = (await Promise.all(lanes.map(sendAll))).flat();
  const closed = await createCloseRun(deps)({
    runId,
    spec,
    ending: { state: 'completed' },
    faults: [],
    startedAt,
    requests: sum(reports, ({ requests }) => requests),
    throttled: 0,
    decisions: [],
  });
  if (closed.state !== 'completed') throw new Error(`The run ended as ${closed.state}.`);
  return { rows: indexed.rowCount };
}
