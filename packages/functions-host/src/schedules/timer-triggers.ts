import type { Clock } from '../clock.ts';
import { errorMessage, errorStack, StartError } from '../errors.ts';
import { toJson } from '../json.ts';
import type { Log } from '../log.ts';
import type { Store } from '../store/store.ts';
import { waitAtMost } from '../wait-at-most.ts';
import type { HostFunction } from '../worker/functions.ts';
import type { Invoke } from '../worker/invoker.ts';
import { limitTime } from '../worker/limit-time.ts';
import { readRetryPolicy } from '../worker/retry-policy.ts';
import type { RetryPolicy } from '../worker/retry-policy.ts';
import { parseSchedule, resolveSettings } from './ncrontab.ts';
import type { Schedule } from './ncrontab.ts';

export interface TimerTriggersOptions {
  readonly functions: readonly HostFunction[];
  readonly store: Store;
  readonly clock: Clock;
  readonly invoke: Invoke;
  readonly log: Log;
  readonly environment: NodeJS.ProcessEnv;
  readonly functionTimeoutMs: number | undefined;
  readonly onQuiet: () => void;
}

interface Timer {
  readonly fn: HostFunction;
  readonly expression: string;
  readonly schedule: Schedule;
  readonly monitored: boolean;
  readonly retryPolicy: RetryPolicy | undefined;
}

/** The app's timer triggers: each runs by its schedule, never two runs of one at once. */
export class TimerTriggers {
  readonly #options: TimerTriggersOptions;
  readonly #timers: readonly Timer[];
  readonly #alarms = new Map<string, () => void>();
  readonly #running = new Set<Promise<void>>();
  /** Ends the waits before retries. */
  readonly #waits = new Set<() => void>();
  #stopped = false;

  /** Throws StartError if a schedule cannot be read. */
  constructor(options: TimerTriggersOptions) {
    this.#options = options;
    this.#timers = options.functions.map((fn) => readTimer(fn, options.environment));
  }

  start(): void {
    for (const timer of this.#timers) this.#begin(timer);
  }

  /** Runs a function now, besides its schedule; false if there is no such timer function. It may overlap a scheduled run. */
  runNow(name: string): boolean {
    const timer = this.#timers.find((one) => one.fn.name.toLowerCase() === name.toLowerCase());
    if (!timer || this.#stopped) return false;
    this.#track(this.#invoke(timer, false));
    return true;
  }

  /** Starts nothing more and waits for what runs, no longer than `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.#stopped = true;
    for (const cancel of this.#alarms.values()) cancel();
    for (const end of this.#waits) end();
    await waitAtMost(graceMs, [...this.#running]);
  }

  get isIdle(): boolean {
    return this.#running.size === this.#waits.size;
  }

  /** A run that was missed while the host was down is made up for at once, and says so. */
  #begin(timer: Timer): void {
    const { clock, store } = this.#options;
    const now = clock.now();
    const known = timer.monitored ? store.schedule(timer.fn.name) : undefined;
    if (known?.schedule === timer.expression && Date.parse(known.next) < now) {
      this.#run(timer, true);
      return;
    }
    if (timer.fn.trigger['runOnStartup'] === true) {
      this.#run(timer, false);
      return;
    }
    this.#arm(timer, now);
  }

  #arm(timer: Timer, afterMs: number): void {
    const nextMs = timer.schedule.next(afterMs);
    if (this.#stopped || nextMs === undefined) return;
    this.#save(timer, nextMs);
    this.#alarms.set(
      timer.fn.name,
      this.#options.clock.wakeAt(nextMs, () => this.#run(timer, false)),
    );
  }

  /** Keeps the time of the last run; only the next one changes here. */
  #save(timer: Timer, nextMs: number): void {
    if (!timer.monitored) return;
    const { store, clock } = this.#options;
    const known = store.schedule(timer.fn.name);
    const next = new Date(nextMs).toISOString();
    store.putSchedule({
      name: timer.fn.name,
      schedule: timer.expression,
      last: known?.last ?? null,
      next,
      updated: new Date(clock.now()).toISOString(),
    });
  }

  #run(timer: Timer, isPastDue: boolean): void {
    if (this.#stopped) return;
    this.#track(this.#invoke(timer, isPastDue).then(() => this.#arm(timer, this.#options.clock.now())));
  }

  #track(work: Promise<void>): void {
    const tracked = work.finally(() => {
      this.#running.delete(tracked);
      this.#options.onQuiet();
    });
    this.#running.add(tracked);
  }

  async #invoke(timer: Timer, isPastDue: boolean): Promise<void> {
    const { store, clock } = this.#options;
    const startedAt = new Date(clock.now()).toISOString();
    const known = timer.monitored ? store.schedule(timer.fn.name) : undefined;
    const nextMs = timer.schedule.next(clock.now());
    const status = known
      ? {
          Last: known.last ?? '0001-01-01T00:00:00',
          Next: nextMs === undefined ? known.next : new Date(nextMs).toISOString(),
          LastUpdated: known.updated,
        }
      : null;
    if (known) store.putSchedule({ ...known, last: startedAt, updated: startedAt });
    const value = { Schedule: { AdjustForDST: true }, ScheduleStatus: status, IsPastDue: isPastDue };
    await this.#attempt(timer, toJson(value));
  }

  /** Runs the function, and again as its retry policy says. Never rejects. */
  async #attempt(timer: Timer, json: string): Promise<void> {
    const { fn, retryPolicy } = timer;
    const maxRetryCount = retryPolicy?.maxRetryCount ?? 0;
    let exception: unknown;
    for (let retryCount = 0; !this.#stopped; retryCount++) {
      const retryContext =
        retryCount === 0 ? undefined : { retryCount, maxRetryCount, exception: { message: errorMessage(exception) } };
      try {
        const invocation = this.#options.invoke({ fn, trigger: { json }, ...(retryContext && { retryContext }) });
        await limitTime(this.#options, fn.name, invocation);
        return;
      } catch (error) {
        exception = error;
        this.#options.log('error', `Function.${fn.name}`, `Executed with error: ${errorStack(error)}`);
      }
      if (!retryPolicy || retryCount === maxRetryCount) return;
      await this.#wait(retryPolicy.delayMs(retryCount + 1));
    }
  }

  /** Waits before a retry, or until the host stops. */
  async #wait(delayMs: number): Promise<void> {
    const { clock, onQuiet } = this.#options;
    await new Promise<void>((resolve) => {
      const end = () => {
        this.#waits.delete(end);
        cancel();
        resolve();
      };
      const cancel = clock.wakeAt(clock.now() + delayMs, end);
      this.#waits.add(end);
      onQuiet();
    });
  }
}

function readTimer(fn: HostFunction, environment: NodeJS.ProcessEnv): Timer {
  try {
    const given = fn.trigger['schedule'];
    if (typeof given !== 'string') throw new Error('it has no schedule.');
    const expression = resolveSettings(given, environment);
    const schedule = parseSchedule(expression, environment['WEBSITE_TIME_ZONE']);
    const retryPolicy = readRetryPolicy(fn.registered.metadata.retryOptions);
    return {
      fn,
      expression,
      schedule,
      retryPolicy,
      monitored: fn.trigger['useMonitor'] !== false && schedule.isMonitored,
    };
  } catch (error) {
    throw new StartError(`Function "${fn.name}": ${errorMessage(error)}`);
  }
}
