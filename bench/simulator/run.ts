import { idleGovernor, lease, type GovernorState, type Grant } from '../../src/plan/governor.ts';
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
import { laneRoutes } from '../../src/plan/widths.ts';
import type { EventQueue } from './event-queue.ts';
import { SimulatedGates } from './gate.ts';
import { rowsPerSlice, runLane } from './lane.ts';
import type { Recorder } from './recorder.ts';
import type { World } from './world.ts';

/** From the end of one wave to the first request of the next: the orchestrator's turn, the governor's, and the start of the lanes. */
const betweenWavesMs = 400;
/** Lanes that one host instance serves. */
const lanesPerProcess = 1_024;
/** The law is measured where it may look for the ceiling itself. */
const bounds = { maxLanes: 1_024, settleSeconds: 360 };

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

export interface ConnectionChoice {
  readonly beyondHint: boolean;
  readonly affinity: boolean;
}

/** One run of the engine: its own reducers and wave planner, with lanes and processes in virtual time. */
// eslint-disable-next-line max-lines-per-function -- steps over one state, each small, that call each other
export function startRun(
  parts: Parts,
  governor: SharedGovernor,
  options: {
    readonly runId: string;
    readonly user: string;
    readonly rows: number;
    readonly startMs?: number;
    /** What the connection's settings would say. */
    readonly connection: ConnectionChoice;
  },
): SimulatedRun {
  const { queue, world, recorder } = parts;
  const spec = specOf({});
  const source = { rowCount: options.rows, sliceCount: Math.ceil(options.rows / rowsPerSlice) };
  const run: SimulatedRun = {
    state: beginRun(source, undefined, iso(0)),
    endedMs: null,
    events: 0,
    generations: 1,
  };
  const processes: SimulatedGates[] = [];
  const gatesOf = (lane: number): SimulatedGates =>
    (processes[Math.floor(lane / lanesPerProcess)] ??= new SimulatedGates(queue));

  const turn = (): void => {
    if (!hasWork(run.state)) {
      run.endedMs = queue.nowMs;
      return;
    }
    if (generationIsFull(run.state)) {
      run.state = nextGeneration(run.state);
      run.generations += 1;
    }
    const step = lease(
      governor.state,
      leaseRequest(options.runId, run.state, spec, { ...bounds, ...options.connection }),
      queue.nowMs,
    );
    governor.state = step.state;
    const { grant } = step;
    run.state = granted(run.state, grant, iso(queue.nowMs));
    recorder.granted(options.user, grant.lanes, grant.rowsPerRequest);
    if (grant.lanes === 0) {
      run.state = waited(run.state);
      queue.after(grant.waitSeconds * 1_000, turn);
      return;
    }
    sendWave(grant, () => queue.after(betweenWavesMs / 2, turn));
  };

  const sendWave = (grant: Grant, ended: () => void): void => {
    const startedMs = queue.nowMs;
    const deal = planWave(run.state, grant, startedMs);
    const reports = new Map<number, LaneReport>();
    const absorbAll = (): void => {
      const before = run.state.historyEvents;
      const inOrder = deal.lanes.flatMap((_, lane) => reports.get(lane) ?? []);
      run.state = absorb(run.state, spec, deal, inOrder, { startedMs, endedMs: queue.nowMs });
      run.events += run.state.historyEvents - before;
      ended();
    };
    const input = {
      user: options.user,
      boxStartMs: startedMs,
      boxEndMs: startedMs + grant.boxSeconds * 1_000,
      dopHint: run.state.dopHint,
    };
    const { rowsPerRequest, duty } = grant;
    const routes = grant.routes === undefined ? undefined : laneRoutes(grant.routes);
    const independent = grant.independent === true;
    queue.after(betweenWavesMs / 2, () => {
      for (const [lane, stretches] of deal.lanes.entries()) {
        const own = routes?.[lane];
        const route = own === undefined ? undefined : { ...own, independent };
        const laneInput = { ...input, stretches, rowsPerRequest, duty: own?.duty ?? duty, route };
        runLane({ queue, world, gates: gatesOf(lane) }, laneInput, (report) => {
          reports.set(lane, report);
          if (reports.size === deal.lanes.length) absorbAll();
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
