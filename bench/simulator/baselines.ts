import type { EventQueue } from './event-queue.ts';
import { SimulatedGate } from './gate.ts';
import type { Parts } from './run.ts';

/** How many requests a client keeps in flight, decided once a second from what it has seen. */
export interface Baseline {
  readonly name: string;
  readonly rowsPerRequest: number;
  readonly first: (hint: number) => number;
  /** `throttled`: 429 answers in the second that ended. */
  readonly next: (
    lanes: number,
    seen: {
      readonly throttled: number;
      readonly second: number;
      readonly everThrottled: boolean;
      readonly hint: number;
    },
  ) => number;
}

/** What a client does that reads no hint. */
const hintWithout = 5;

/** What others do, as published; all of them wait as told, together, like our own lanes. */
export const baselines: readonly Baseline[] = [
  { name: 'fixed at the hint', rowsPerRequest: 100, first: (hint) => hint, next: (_, { hint }) => hint },
  { name: 'fixed 52', rowsPerRequest: 100, first: () => 52, next: () => 52 },
  { name: '10 x 10 rows', rowsPerRequest: 10, first: () => 10, next: () => 10 },
  {
    // One more every five calm seconds, half after a throttle, between one and 52.
    name: 'AIMD',
    rowsPerRequest: 100,
    first: (hint) => hint,
    next: (lanes, { throttled, second }) =>
      throttled > 0 ? Math.max(1, Math.floor(lanes / 2)) : Math.min(52, second % 5 === 0 ? lanes + 1 : lanes),
  },
  {
    // One more a second until the first throttle, then one less and never more.
    name: 'grow once',
    rowsPerRequest: 100,
    first: () => 1,
    next: (lanes, { throttled, everThrottled }) =>
      throttled > 0 ? Math.max(1, lanes - 1) : everThrottled ? lanes : lanes + 1,
  },
];

export function startBaseline({ queue, world, recorder }: Parts, baseline: Baseline, user: string): void {
  const gate = new SimulatedGate(queue);
  const hintNow = (): number => world.environment.hint ?? hintWithout;
  let allowed = baseline.first(hintNow());
  let [lanes, second, throttled, everThrottled] = [0, 0, 0, false];

  const send = (): void => {
    if (lanes > allowed) {
      lanes -= 1;
      return;
    }
    gate.enter({
      deadlineMs: Infinity,
      giveUp: () => undefined,
      enter: (closings) =>
        world.send({
          user,
          rows: baseline.rowsPerRequest,
          answered: (answer) => {
            if (answer.kind === 'throttled') {
              throttled += 1;
              everThrottled = true;
              gate.throttled(closings, answer.waitMs);
            } else gate.answered(closings);
            send();
          },
        }),
    });
  };

  const tick = (): void => {
    second += 1;
    allowed = baseline.next(allowed, { throttled, second, everThrottled, hint: hintNow() });
    throttled = 0;
    fill();
    recorder.granted(user, allowed, baseline.rowsPerRequest);
    queue.after(1_000, tick);
  };

  const fill = (): void => {
    for (; lanes < allowed; lanes += 1) send();
  };

  fill();
  queue.after(1_000, tick);
}

/** Somebody else's traffic: so many requests of 100 rows in flight, whatever happens; waits as told. */
export function startForeign(parts: Parts & { readonly queue: EventQueue }, user: string, inFlight: number): void {
  const steady = { name: 'foreign', rowsPerRequest: 100, first: () => inFlight, next: () => inFlight };
  startBaseline(parts, steady, user);
}
