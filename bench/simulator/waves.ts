import { absorb } from '../../src/plan/absorb.ts';
import type { LateLane } from '../../src/plan/carried.ts';
import type { Grant } from '../../src/plan/governor.ts';
import type { LaneReport } from '../../src/plan/lane.ts';
import type { RunSpec } from '../../src/plan/run-spec.ts';
import { rowLimitOf, type RunState } from '../../src/plan/run-state.ts';
import {
  follow,
  graceOf,
  isOverEarly,
  nextLookMs,
  noWave,
  planWave,
  verdictOf,
  type Wave,
} from '../../src/plan/wave.ts';
import type { EventQueue } from './event-queue.ts';
import type { LaneInput } from './lane.ts';

/** From the end of one wave to the first request of the next: the orchestrator's turn, the governor's, and the start of the lanes. */
export const betweenWavesMs = 400;

export interface WavesParts {
  readonly queue: EventQueue;
  readonly spec: RunSpec;
  readonly run: { state: RunState };
  /** What is the same for all lanes of the run. */
  readonly laneInput: Pick<LaneInput, 'user' | 'rowsPerSlice'>;
  readonly startLane: (lane: number, input: LaneInput, ended: (report: LaneReport) => void) => void;
}

/** A wave, and when and for what it was granted. */
interface Flight {
  readonly number: number;
  readonly grant: Grant;
  wave: Wave;
}

const nameOf = (wave: number, lane: number): string => `${wave}/${lane}`;

/** The waves of one run in virtual time, as the orchestrator flies them (src/orchestrators/wave.ts). */
export class SimulatedWaves {
  readonly #parts: WavesParts;
  /** Reports of lanes that are back, by the name of the lane. */
  readonly #reports = new Map<string, LaneReport>();
  /** Called whenever a lane comes back. */
  #heard = (): void => undefined;

  constructor(parts: WavesParts) {
    this.#parts = parts;
  }

  /** Waits for the lanes that earlier waves left behind. */
  land(ended: () => void): void {
    const { queue, run } = this.#parts;
    const none = noWave(run.state, queue.nowMs);
    this.#hear(() => {
      const back = this.#newlyBack(none);
      if (back.length < run.state.carried.length) return;
      this.#absorb(follow(run.state, none, back, queue.nowMs), [], ended);
    });
  }

  send(grant: Grant, ended: () => void): void {
    const { queue, run } = this.#parts;
    const wave = planWave(run.state, grant, queue.nowMs);
    if (wave.lanes.length === 0) {
      run.state = { ...run.state, feedback: null };
      this.land(ended);
      return;
    }
    const flight: Flight = { number: run.state.wave, grant, wave };
    let isOver = false;
    const finish = (): void => {
      if (isOver) return;
      isOver = true;
      this.#finish(flight, 0, ended);
    };
    this.#hear(() => {
      if (wave.lanes.every((_, lane) => this.#reports.has(nameOf(flight.number, lane)))) finish();
    });
    queue.after(wave.boxSeconds * 1_000 + graceOf(run.state.fit, grant.rowsPerRequest), finish);
    const lookAgain = (sinceMs: number): void => {
      const afterMs = nextLookMs(run.state, flight.wave, sinceMs);
      if (afterMs === undefined) return;
      queue.at(wave.startedMs + afterMs, () => {
        if (isOver) return;
        this.#look(flight);
        if (isOverEarly(run.state, flight.wave, this.#resultsOf(flight))) finish();
        else lookAgain(afterMs);
      });
    };
    lookAgain(0);
    queue.after(betweenWavesMs / 2, () => this.#setOff(flight, 0));
  }

  #look(flight: Flight): void {
    const { queue, run } = this.#parts;
    const before = flight.wave.lanes.length;
    const looked = { ...flight.wave, looks: flight.wave.looks + 1 };
    flight.wave = follow(run.state, looked, this.#newlyBack(looked), queue.nowMs);
    queue.after(betweenWavesMs / 2, () => this.#setOff(flight, before));
  }

  /** The box and its grace are over, or all lanes are back: what is done about those that are not. */
  #finish(flight: Flight, waits: number, ended: () => void): void {
    const { queue, run } = this.#parts;
    const isAllBack = (): boolean => {
      flight.wave = follow(run.state, { ...flight.wave, isLast: true }, this.#newlyBack(flight.wave), queue.nowMs);
      const everyLane = this.#resultsOf(flight).every((report) => report !== null);
      return everyLane && flight.wave.late.length === run.state.carried.length;
    };
    const fold = (): void => this.#absorb(flight.wave, this.#resultsOf(flight), ended);
    if (isAllBack()) {
      fold();
      return;
    }
    const verdict = verdictOf(run.state, flight.wave, this.#resultsOf(flight), waits);
    if (verdict === 'carry') fold();
    else if (verdict === 'land') this.#hear(() => isAllBack() && fold());
    else {
      this.#heard = () => undefined;
      flight.wave = { ...flight.wave, looks: flight.wave.looks + 1 };
      queue.after(verdict.waitMs, () => this.#finish(flight, waits + 1, ended));
    }
  }

  #setOff({ number, grant, wave }: Flight, from: number): void {
    const { run, laneInput, startLane } = this.#parts;
    for (const [at, stretches] of wave.lanes.slice(from).entries()) {
      const lane = from + at;
      const place = wave.places?.[lane];
      const input = {
        ...laneInput,
        stretches,
        rowLimit: rowLimitOf(run.state),
        boxStartMs: wave.startedMs,
        boxEndMs: wave.startedMs + wave.boxSeconds * 1_000,
        dopHint: run.state.dopHint,
        rowsPerRequest: grant.rowsPerRequest,
        duty: place?.duty ?? grant.duty,
        route: place === undefined ? undefined : { ...place, independent: wave.independent },
      };
      startLane(lane, input, (report) => {
        this.#reports.set(nameOf(number, lane), report);
        this.#heard();
      });
    }
  }

  #absorb(wave: Wave, results: readonly (LaneReport | null)[], ended: () => void): void {
    const { queue, run, spec } = this.#parts;
    this.#heard = () => undefined;
    const { wave: number } = run.state;
    const times = { startedMs: wave.startedMs, endedMs: queue.nowMs };
    run.state = absorb(run.state, spec, wave, results, times);
    for (const lane of results.keys()) if (results[lane] !== null) this.#reports.delete(nameOf(number, lane));
    for (const { lane } of wave.late) this.#reports.delete(nameOf(lane.wave, lane.lane));
    queue.after(betweenWavesMs / 2, ended);
  }

  /** From now on, and now. */
  #hear(heard: () => void): void {
    this.#heard = heard;
    heard();
  }

  #resultsOf({ number, wave }: Flight): readonly (LaneReport | null)[] {
    return wave.lanes.map((_, lane) => this.#reports.get(nameOf(number, lane)) ?? null);
  }

  #newlyBack(wave: Wave): readonly LateLane[] {
    return this.#parts.run.state.carried.flatMap((lane) => {
      const result = this.#reports.get(nameOf(lane.wave, lane.lane));
      return result === undefined || wave.late.some((late) => late.lane === lane) ? [] : [{ lane, result }];
    });
  }
}
