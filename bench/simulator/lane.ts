import type { LaneEnd, LaneReport, ThrottleFacet } from '../../src/plan/lane.ts';
import { addSends, noSends, sendOf } from '../../src/plan/request-size.ts';
import type { Stretch } from '../../src/plan/stretch.ts';
import type { EventQueue } from './event-queue.ts';
import type { SimulatedGate } from './gate.ts';
import type { World } from './world.ts';

export const rowsPerSlice = 1_000;

export interface LaneInput {
  readonly user: string;
  readonly stretches: readonly Stretch[];
  readonly boxEndMs: number;
  readonly rowsPerRequest: number;
  readonly duty: number;
  readonly dopHint: number | null;
  readonly server?: number | undefined;
}

const leastHintMove = 0.2;
const mostThrottlesInBox = 2;

/** One lane of a wave (src/activities/lane.ts) in virtual time: the same stops, the same rests, the same report. */
// eslint-disable-next-line max-lines-per-function -- steps over one state, each small, that call each other
export function runLane(
  parts: { readonly queue: EventQueue; readonly world: World; readonly gate: SimulatedGate },
  input: LaneInput,
  ended: (report: LaneReport) => void,
): void {
  const { queue, world, gate } = parts;
  const throttles: Partial<Record<ThrottleFacet, number>> = {};
  let left = [...input.stretches];
  let [done, bad, requests, busyMs, restedMs, throttleCount, sends] = [0, 0, 0, 0, 0, 0, noSends];
  let hint: number | undefined;

  const stop = (end: LaneEnd, waitMs = 0): void => {
    const counts = { upserted: done - bad, ...(bad > 0 ? { rejected: bad } : {}) };
    const known = hint === undefined ? {} : { dopHint: hint };
    ended({ end, left, counts, recovered: 0, requests, throttles, waitMs, sends, busyMs, badRows: bad, ...known });
  };

  const next = (): void => {
    const owedMs = busyMs * (1 / input.duty - 1) - restedMs;
    if (owedMs >= 20) {
      restedMs += owedMs;
      queue.at(Math.min(queue.nowMs + owedMs, Math.max(queue.nowMs, input.boxEndMs)), next);
      return;
    }
    const [stretch] = left;
    if (stretch === undefined) stop('done');
    else if (queue.nowMs >= input.boxEndMs || throttleCount >= mostThrottlesInBox || hintMoved(hint, input.dopHint))
      stop('box');
    else sendFrom(stretch);
  };

  const sendFrom = (stretch: Stretch): void => {
    const firstRow = stretch.cursor ?? stretch.from * rowsPerSlice + 1;
    const sliceEnd = (stretch.from + 1) * rowsPerSlice;
    const rows = Math.min(input.rowsPerRequest, sliceEnd - firstRow + 1);
    attempt(rows, () => {
      const ends = firstRow + rows > sliceEnd;
      const rest = ends ? { from: stretch.from + 1, to: stretch.to } : { ...stretch, cursor: firstRow + rows };
      left = rest.from < rest.to ? [rest, ...left.slice(1)] : left.slice(1);
    });
  };

  const attempt = (rows: number, settled: () => void): void => {
    gate.enter({
      deadlineMs: input.boxEndMs,
      giveUp: (waitMs) => stop('throttled', waitMs),
      enter: (closings) => {
        const sentMs = queue.nowMs;
        requests += 1;
        world.send({
          user: input.user,
          rows,
          server: input.server,
          answered: (answer) => {
            hint = answer.hint ?? hint;
            if (answer.kind === 'throttled') {
              throttles[answer.facet] = (throttles[answer.facet] ?? 0) + 1;
              throttleCount += 1;
              gate.throttled(closings, answer.waitMs);
              attempt(rows, settled);
              return;
            }
            busyMs += queue.nowMs - sentMs;
            if (answer.refusedRows === 0) sends = addSends(sends, sendOf(rows, answer.ms));
            done += rows;
            bad += answer.refusedRows;
            settled();
            gate.answered(closings);
            next();
          },
        });
      },
    });
  };

  next();
}

const hintMoved = (hint: number | undefined, grantedFor: number | null): boolean =>
  hint !== undefined && grantedFor !== null && Math.abs(hint - grantedFor) > grantedFor * leastHintMove;
