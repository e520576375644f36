import { absorb } from '../../src/plan/absorb.ts';
import { defaultRowsPerRequest } from '../../src/plan/bounds.ts';
import type { LateLane } from '../../src/plan/carried.ts';
import { idleGovernor, lease, type GovernorState, type Grant } from '../../src/plan/governor.ts';
import type { LaneReport } from '../../src/plan/lane.ts';
import type { RunSpec } from '../../src/plan/run-spec.ts';
import {
  beginRun,
  generationIsFull,
  granted,
  hasWork,
  leaseRequest,
  needsQuiet,
  nextGeneration,
  rowLimitOf,
  waited,
  type RunState,
} from '../../src/plan/run-state.ts';
import { sliceRowsFor } from '../../src/plan/slices.ts';
import { parseRunSpec } from '../../src/plan/spec.ts';
import { follow, graceOf, looksOf, noWave, planWave, verdictOf, type Wave } from '../../src/plan/wave.ts';
import type { EventQueue } from './event-queue.ts';
import { SimulatedGates } from './gate.ts';
import { runLane } from './lane.ts';
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
  const { maxLanes } = bounds;
  const rowsPerSlice = sliceRowsFor(options.rows, world.environment.hint ?? maxLanes, defaultRowsPerRequest);
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
      if (run.state.carried.length > 0) land(turn);
      else run.endedMs = queue.nowMs;
      return;
    }
    if (run.state.carried.length > 0 && needsQuiet(run.state)) {
      land(turn);
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
      run.state = waited(run.state);
      queue.after(grant.waitSeconds * 1_000, turn);
      return;
    }
    sendWave(grant, () => queue.after(betweenWavesMs / 2, turn));
  };

  /** Reports of lanes that are back, by the name of the lane. */
  const reports = new Map<string, LaneReport>();
  /** Called whenever a lane comes back. */
  let heard = (): void => undefined;
  const nameOf = (wave: number, lane: number): string => `${wave}/${lane}`;

  const newlyBack = (wave: Wave): LateLane[] =>
    run.state.carried.flatMap((lane) => {
      const result = reports.get(nameOf(lane.wave, lane.lane));
      return result === undefined || wave.late.some((late) => late.lane === lane) ? [] : [{ lane, result }];
    });

  /** Waits for the lanes that earlier waves left behind. */
  const land = (ended: () => void): void => {
    const startedMs = queue.nowMs;
    heard = () => {
      const none = noWave(run.state, startedMs);
      const back = newlyBack(none);
      if (back.length < run.state.carried.length) return;
      heard = () => undefined;
      const wave = follow(run.state, none, back, queue.nowMs);
      run.state = absorb(run.state, spec, wave, [], { startedMs, endedMs: queue.nowMs });
      reports.clear();
      queue.after(betweenWavesMs / 2, ended);
    };
    heard();
  };

  const sendWave = (grant: Grant, ended: () => void): void => {
    const startedMs = queue.nowMs;
    let wave = planWave(run.state, grant, startedMs);
    if (wave.lanes.length === 0) {
      run.state = { ...run.state, feedback: null };
      land(ended);
      return;
    }
    const number = run.state.wave;
    const input = {
      user: options.user,
      rowsPerSlice,
      rowLimit: rowLimitOf(run.state),
      boxStartMs: startedMs,
      boxEndMs: startedMs + grant.boxSeconds * 1_000,
      dopHint: run.state.dopHint,
    };
    const { rowsPerRequest, duty } = grant;
    const setOff = (from: number): void => {
      for (const [at, stretches] of wave.lanes.slice(from).entries()) {
        const lane = from + at;
        const own = wave.places?.[lane];
        const route = own === undefined ? undefined : { ...own, independent: wave.independent };
        const laneInput = { ...input, stretches, rowsPerRequest, duty: own?.duty ?? duty, route };
        runLane({ queue, world, gates: gatesOf(lane) }, laneInput, (report) => {
          reports.set(nameOf(number, lane), report);
          heard();
        });
      }
    };
    const results = (): (LaneReport | null)[] => wave.lanes.map((_, lane) => reports.get(nameOf(number, lane)) ?? null);
    const isAllBack = (): boolean =>
      results().every((report) => report !== null) && wave.late.length === run.state.carried.length;
    const over = (waits: number): void => {
      wave = follow(run.state, { ...wave, isLast: true }, newlyBack(wave), queue.nowMs);
      const verdict = verdictOf(run.state, wave, results(), waits);
      if (verdict === 'carry' || isAllBack()) {
        heard = () => undefined;
        const before = run.state.historyEvents;
        const known = results();
        run.state = absorb(run.state, spec, wave, known, { startedMs, endedMs: queue.nowMs });
        run.events += run.state.historyEvents - before;
        ended();
      } else if (verdict === 'land') {
        heard = () => {
          wave = follow(run.state, wave, newlyBack(wave), queue.nowMs);
          if (!isAllBack()) return;
          heard = () => undefined;
          over(waits);
        };
      } else {
        wave = { ...wave, looks: wave.looks + 1 };
        queue.after(verdict.waitMs, () => over(waits + 1));
      }
    };
    let isOver = false;
    const finish = (): void => {
      if (isOver) return;
      isOver = true;
      heard = () => undefined;
      over(0);
    };
    const begun = wave.lanes.length;
    heard = () => {
      if (
        results()
          .slice(0, begun)
          .every((report) => report !== null)
      )
        finish();
    };
    queue.after(input.boxEndMs - startedMs + graceOf(run.state.fit, rowsPerRequest), finish);
    for (const afterMs of looksOf(run.state, wave, grant.boxSeconds))
      queue.after(afterMs, () => {
        if (isOver || wave.late.length === run.state.carried.length) return;
        const before = wave.lanes.length;
        wave = follow(run.state, { ...wave, looks: wave.looks + 1 }, newlyBack(wave), queue.nowMs);
        queue.after(betweenWavesMs / 2, () => setOff(before));
      });
    queue.after(betweenWavesMs / 2, () => setOff(0));
  };

  // The run opens with a WhoAmI, which tells the hint.
  queue.at(options.startMs ?? 0, () => {
    run.state = beginRun(source, world.environment.hint ?? undefined, iso(queue.nowMs));
    turn();
  });
  return run;
}

const iso = (ms: number): string => new Date(ms).toISOString();
