import {
  mayGoOnAtMs,
  notePaced,
  rowsBefore,
  type LaneEnd,
  type LaneReport,
  type RateLeft,
  type ThrottleFacet,
} from '../../src/plan/lane.ts';
import { addSends, noSends, sendOf } from '../../src/plan/request-size.ts';
import type { Stretch } from '../../src/plan/stretch.ts';
import type { EventQueue } from './event-queue.ts';
import type { SimulatedGates } from './gate.ts';
import type { ServerAnswer, World } from './world.ts';

export interface LaneInput {
  readonly user: string;
  readonly stretches: readonly Stretch[];
  readonly rowsPerSlice: number;
  /** The lane stops when so many rows have an outcome. */
  readonly rowLimit: number | undefined;
  readonly boxStartMs: number;
  readonly boxEndMs: number;
  readonly rowsPerRequest: number;
  readonly duty: number;
  readonly dopHint: number | null;
  /** Absent: the lane sends to any server and asks for none. */
  readonly route?:
    | {
        readonly server: string | null;
        readonly leftSeconds?: number;
        readonly pace?: readonly number[];
        readonly independent: boolean;
        readonly once?: true;
      }
    | undefined;
}

export const cookieOf = (server: number): string => `server-${server}`;
const serverOf = (cookie: string): number => Number(cookie.slice('server-'.length));

const leastHintMove = 0.2;
const mostThrottlesInBox = 2;
const mostSilentAnswers = 2;

/** One lane of a wave (src/activities/lane.ts) in virtual time: the same stops, the same rests, the same report. */
// eslint-disable-next-line max-lines-per-function -- steps over one state, each small, that call each other
export function runLane(
  parts: { readonly queue: EventQueue; readonly world: World; readonly gates: SimulatedGates },
  input: LaneInput,
  ended: (report: LaneReport) => void,
): void {
  const { queue, world, gates } = parts;
  const { route } = input;
  let server = route?.server ?? null;
  let [gone, roomy, sentOnce]: [string | undefined, boolean, boolean] = [undefined, false, false];
  let told: RateLeft | undefined;
  let silentAnswers = 0;
  const spent: number[] = [];
  let refusedAt: string | undefined;
  const now = (): string => new Date(queue.nowMs).toISOString();
  const throttles: Partial<Record<ThrottleFacet, number>> = {};
  let left = [...input.stretches];
  let [done, bad, requests, busyMs, restedMs, throttleCount, sends] = [0, 0, 0, 0, 0, 0, noSends];
  let hint: number | undefined;

  const stop = (end: LaneEnd, waitMs = 0): void => {
    const counts = { upserted: done - bad, ...(bad > 0 ? { rejected: bad } : {}) };
    const known = hint === undefined ? {} : { dopHint: hint };
    const at = {
      server,
      scout: route?.server === null,
      ...(gone === undefined ? {} : { gone }),
      ...(told === undefined ? {} : { left: told }),
      ...(roomy ? { roomy } : {}),
      spent,
      ...(refusedAt === undefined ? {} : { refusedAt }),
      ...(waitMs > 0 ? { notBeforeAt: new Date(queue.nowMs + waitMs).toISOString() } : {}),
    };
    const placed = route === undefined ? {} : { at };
    const sent = { requests, rowsSent: done, throttles, waitMs, sends, busyMs, badRows: bad };
    ended({ end, left, counts, recovered: 0, ...sent, ...known, ...placed });
  };

  /** Something has changed that the grant was not made for, or all is done that it was made for. */
  const isOutdated = (): boolean =>
    throttleCount >= mostThrottlesInBox ||
    hintMoved(hint, input.dopHint) ||
    (route?.once === true && sentOnce) ||
    gone !== undefined ||
    roomy ||
    (route?.leftSeconds !== undefined && silentAnswers >= mostSilentAnswers);

  const owedMs = (): number =>
    route?.pace === undefined
      ? busyMs * (1 / input.duty - 1) - restedMs
      : input.boxStartMs + mayGoOnAtMs(route.pace, busyMs) - queue.nowMs;

  const next = (): void => {
    const [stretch] = left;
    if (stretch === undefined) stop('done');
    else if (done >= (input.rowLimit ?? Infinity)) stop('box');
    else if (queue.nowMs >= input.boxEndMs || isOutdated()) stop('box');
    else if (owedMs() >= 20) {
      const restMs = owedMs();
      restedMs += restMs;
      queue.at(Math.min(queue.nowMs + restMs, input.boxEndMs), next);
    } else sendFrom(stretch);
  };

  const sendFrom = (stretch: Stretch): void => {
    const { rowsPerSlice, rowLimit = Infinity } = input;
    const firstRow = stretch.cursor ?? stretch.from * rowsPerSlice + 1;
    const sliceEnd = (stretch.from + 1) * rowsPerSlice;
    const rowMs = sends.rows === 0 ? 0 : sends.ms / sends.rows;
    const most = rowsBefore(input.boxEndMs, { atMs: queue.nowMs, rows: input.rowsPerRequest, rowMs });
    const rows = Math.min(most, sliceEnd - firstRow + 1, rowLimit - done);
    attempt(rows, () => {
      const ends = firstRow + rows > sliceEnd;
      const rest = ends ? { from: stretch.from + 1, to: stretch.to } : { ...stretch, cursor: firstRow + rows };
      left = rest.from < rest.to ? [rest, ...left.slice(1)] : left.slice(1);
    });
  };

  /** What an answer's headers tell of the server it came from. */
  const hear = (from: ServerAnswer, isRefusal: boolean): void => {
    if (route === undefined) return;
    const cookie = cookieOf(from.server);
    if (server !== null && server !== cookie) {
      gone = server;
      spent.length = 0;
      told = undefined;
    }
    server = cookie;
    if (from.left === undefined) {
      if (!isRefusal) silentAnswers += 1;
      if (silentAnswers === mostSilentAnswers) told = undefined;
      return;
    }
    silentAnswers = 0;
    const { requests: lastRequests, seconds } = from.left;
    told = { firstRequests: told?.firstRequests ?? lastRequests, lastRequests, seconds };
    roomy ||= route.leftSeconds !== undefined && seconds > route.leftSeconds;
  };

  const attempt = (rows: number, settled: () => void): void => {
    const asked = server;
    gates.enter(asked, {
      deadlineMs: input.boxEndMs,
      giveUp: (waitMs) => stop('throttled', waitMs),
      enter: (closings) => {
        const sentMs = queue.nowMs;
        requests += 1;
        world.send({
          user: input.user,
          rows,
          server: asked === null ? undefined : serverOf(asked),
          answered: (answer, from) => {
            hear(from, answer.kind === 'throttled');
            hint = answer.hint ?? hint;
            if (answer.kind === 'throttled') {
              throttles[answer.facet] = (throttles[answer.facet] ?? 0) + 1;
              throttleCount += 1;
              refusedAt ??= now();
              gates.throttled(asked, closings, {
                waitMs: answer.waitMs,
                by: server,
                independent: route?.independent === true,
              });
              attempt(rows, settled);
              return;
            }
            busyMs += queue.nowMs - sentMs;
            notePaced(spent, queue.nowMs - input.boxStartMs, queue.nowMs - sentMs);
            if (answer.refusedRows === 0) sends = addSends(sends, sendOf(rows, answer.ms));
            done += rows;
            bad += answer.refusedRows;
            settled();
            sentOnce = true;
            gates.answered(asked, closings);
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
