import { idleGovernor, lease, type GovernorState } from '../../src/plan/governor.ts';
import type { LaneReport } from '../../src/plan/lane.ts';
import type { RunSpec } from '../../src/plan/run-spec.ts';
import {
  absorb,
  beginRun,
  generationIsFull,
  granted,
  hasWork,
  leaseRequest,
  nextGeneration,
  planWave,
  waited,
  type RunState,
} from '../../src/plan/run-state.ts';
import { parseRunSpec } from '../../src/plan/spec.ts';
import type { EventQueue } from './event-queue.ts';
import { SimulatedGate } from './gate.ts';
import { rowsPerSlice, runLane } from './lane.ts';
import type { Recorder } from './recorder.ts';
import type { World } from './world.ts';

/** From the end of one wave to the first request of the next: the orchestrator's turn, the governor's, and the start of the lanes. */
const betweenWavesMs = 400;
/** Lanes that one host instance serves. */
const lanesPerProcess = 1_024;
const bounds = { maxLanes: 1_024 };

export interface Parts {
  readonly queue: EventQueue;
  readonly world: World;
  readonly recorder: Recorder;
}

/** The governor of a connection, as the durable entity keeps it. */
export class SharedGovernor {
  state: GovernorState = idleGovernor;
}

export interface SimulatedRun {
  state: RunState;
  endedMs: number | null;
  lanes: number;
  events: number;
  generations: number;
}

const specOf = (options: object): RunSpec => {
  const parsed = parseRunSpec({
    connection: 'main',
    source: { container: 'sources', blob: 'a.csv' },
    target: { table: 'account', operation: 'upsert' },
    options,
  });
  if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults));
  return parsed.spec;
};

/** One run of the engine: its own reducers and wave planner, with lanes and processes in virtual time. */
export function startRun(
  parts: Parts,
  governor: SharedGovernor,
  options: { readonly runId: string; readonly user: string; readonly rows: number; readonly startMs?: number; readonly serverAware?: boolean },
): SimulatedRun {
  const { queue, world, recorder } = parts;
  const spec = specOf({});
  const source = { rowCount: options.rows, sliceCount: Math.ceil(options.rows / rowsPerSlice) };
  const run: SimulatedRun = { state: beginRun(source, undefined, iso(0)), endedMs: null, lanes: 0, events: 0, generations: 1 };
  const gates: SimulatedGate[] = [];
  const serverOf = (lane: number): number | undefined =>
    options.serverAware === true ? lane % world.environment.servers : undefined;
  const gateOf = (lane: number): SimulatedGate =>
    (gates[Math.floor(lane / lanesPerProcess) * 100 + (serverOf(lane) ?? 0)] ??= new SimulatedGate(queue));

  const turn = (): void => {
    if (!hasWork(run.state)) {
      run.endedMs = queue.nowMs;
      return;
    }
    if (generationIsFull(run.state)) {
      run.state = nextGeneration(run.state);
      run.generations += 1;
    }
    const step = lease(governor.state, leaseRequest(options.runId, run.state, spec, bounds), queue.nowMs);
    governor.state = step.state;
    const { grant } = step;
    run.state = granted(run.state, grant, iso(queue.nowMs));
    run.lanes = grant.lanes;
    recorder.granted(options.user, grant.lanes, grant.rowsPerRequest);
    if (grant.lanes === 0) {
      run.state = waited(run.state);
      queue.after(grant.waitSeconds * 1_000, turn);
      return;
    }
    const deal = planWave(run.state, grant);
    const startedMs = queue.nowMs;
    const reports: LaneReport[] = [];
    const { dopHint } = run.state;
    queue.after(betweenWavesMs / 2, () => {
      for (const [lane, stretches] of deal.lanes.entries()) {
        const input = { user: options.user, stretches, boxEndMs: startedMs + grant.boxSeconds * 1_000, dopHint };
        const { rowsPerRequest, duty } = grant;
        runLane({ queue, world, gate: gateOf(lane) }, { ...input, rowsPerRequest, duty, server: serverOf(lane) }, (report) => {
          reports[lane] = report;
          if (Object.keys(reports).length < deal.lanes.length) return;
          const before = run.state.historyEvents;
          run.state = absorb(run.state, spec, deal, reports, { startedMs, endedMs: queue.nowMs });
          run.events += run.state.historyEvents - before;
          run.lanes = 0;
          queue.after(betweenWavesMs / 2, turn);
        });
      }
    });
  };

  // The run opens with a WhoAmI, which tells the hint.
  queue.at(options.startMs ?? 0, () => {
    run.state = beginRun(source, world.environment.hint ?? undefined, iso(queue.nowMs));
    turn();
  });
  return run;
}

const iso = (ms: number): string => new Date(ms).toISOString();
