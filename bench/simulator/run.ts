import { defaultRowsPerRequest } from '../../src/plan/bounds.ts';
import { idleGovernor, lease, type GovernorState } from '../../src/plan/governor.ts';
import type { RunSpec } from '../../src/plan/run-spec.ts';
import {
  beginRun,
  generationIsFull,
  granted,
  hasWork,
  leaseRequest,
  needsQuiet,
  nextGeneration,
  waited,
  type RunState,
} from '../../src/plan/run-state.ts';
import { sliceRowsFor } from '../../src/plan/slices.ts';
import { parseRunSpec } from '../../src/plan/spec.ts';
import type { EventQueue } from './event-queue.ts';
import { SimulatedGates } from './gate.ts';
import { runLane } from './lane.ts';
import type { Recorder } from './recorder.ts';
import { SimulatedWaves } from './waves.ts';
import type { World } from './world.ts';

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
  const { maxLanes } = bounds;
  const rowsPerSlice = sliceRowsFor(options.rows, world.environment.hint ?? maxLanes, defaultRowsPerRequest);
  const source = { rowCount: options.rows, sliceCount: Math.ceil(options.rows / rowsPerSlice) };
  const run: SimulatedRun = {
    state: beginRun(source, undefined, iso(0)),
    endedMs: null,
    generations: 1,
  };
  const processes: SimulatedGates[] = [];
  const gatesOf = (lane: number): SimulatedGates =>
    (processes[Math.floor(lane / lanesPerProcess)] ??= new SimulatedGates(queue));

  const waves = new SimulatedWaves({
    queue,
    spec,
    run,
    laneInput: { user: options.user, rowsPerSlice },
    startLane: (lane, input, ended) => runLane({ queue, world, gates: gatesOf(lane) }, input, ended),
  });

  const turn = (): void => {
    if (!hasWork(run.state)) {
      if (run.state.carried.length > 0) waves.land(turn);
      else run.endedMs = queue.nowMs;
      return;
    }
    if (run.state.carried.length > 0 && needsQuiet(run.state)) {
      waves.land(turn);
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
    if (grant.lanes === 0 && run.state.carried.length === 0) {
      const { waitSeconds, ordered = false } = grant;
      run.state = waited(run.state, { meantSeconds: waitSeconds, seconds: waitSeconds, ordered });
      queue.after(grant.waitSeconds * 1_000, turn);
      return;
    }
    waves.send(grant, turn);
  };

  // The run opens with a WhoAmI, which tells the hint.
  queue.at(options.startMs ?? 0, () => {
    run.state = beginRun(source, world.environment.hint ?? undefined, iso(queue.nowMs));
    turn();
  });
  return run;
}

const iso = (ms: number): string => new Date(ms).toISOString();
