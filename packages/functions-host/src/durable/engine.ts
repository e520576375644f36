import type { TaskRow } from '../store/rows.ts';
import { waitAtMost } from '../wait-at-most.ts';
import { ActivityPool } from './activity-pool.ts';
import type { FinishedTask } from './activity-pool.ts';
import { runActivity } from './activity.ts';
import { noEffects } from './durable-host.ts';
import type { DurableHost, Effects } from './durable-host.ts';
import { runEntityTurn } from './entity-turn.ts';
import { Delays } from './faults.ts';
import type { Delivery } from './faults.ts';
import { HistoryCache } from './history-cache.ts';
import { eventTypes } from './history.ts';
import { sendEvent } from './instances.ts';
import { KeyedQueue } from './keyed-queue.ts';
import { runOrchestrationTurn } from './orchestration-turn.ts';

/** After a turn that took this long, the next one may wait as long for more of what the orchestration is waiting for. */
const longTurnMs = 3;
const maxGatherMs = 200;

/** An instance whose turns are long. */
interface Pace {
  readonly turnMs: number;
  /** How many activities and children it still waits for. */
  awaited: number;
}

export interface EngineOptions {
  readonly host: DurableHost;
  /** The store failed: nothing more can be done safely. */
  readonly onFatal: (error: unknown) => void;
  /** Something ended; the host may be idle now. */
  readonly onQuiet: () => void;
}

/** Drives orchestrations, entities, activities and durable timers. State is in the store; memory holds only what is due. */
export class DurableEngine {
  readonly host: DurableHost;
  readonly #options: EngineOptions;
  readonly #cache = new HistoryCache();
  readonly #orchestrations: KeyedQueue;
  readonly #entities: KeyedQueue;
  readonly #activities: ActivityPool;
  readonly #delays: Delays;
  readonly #paces = new Map<string, Pace>();
  #timerAt = Number.POSITIVE_INFINITY;
  #cancelTimer: (() => void) | undefined;
  #closed = false;

  constructor(options: EngineOptions) {
    const { host } = options;
    this.host = host;
    this.#options = options;
    this.#delays = new Delays(host.clock);
    this.#orchestrations = new KeyedQueue({
      limit: host.settings.maxConcurrentOrchestratorFunctions,
      work: (id) => this.#guard(() => this.#turn(id)),
      delayMs: (id) => this.#gatherMs(id),
    });
    this.#entities = new KeyedQueue({
      limit: host.settings.maxConcurrentEntityFunctions,
      work: (id) => this.#guard(async () => this.apply(await runEntityTurn(host, id))),
    });
    this.#activities = new ActivityPool({
      limit: host.settings.maxConcurrentActivityFunctions,
      run: (task) => runActivity(host, task),
      handIn: (batch) => this.#handIn(batch),
    });
  }

  /** Takes up everything that a former process left behind. */
  start(): void {
    const effects = noEffects();
    effects.tasks.push(...this.host.store.tasks());
    for (const id of this.host.store.instancesWithMessages()) effects.notified.add(id);
    effects.timerAt = this.host.store.nextTimerAt() ?? effects.timerAt;
    this.apply(effects);
    this.#options.onQuiet();
  }

  /** Starts nothing more and waits for what is under way, no longer than `graceMs`. What ends later counts as not run. */
  async stop(graceMs: number): Promise<void> {
    this.#cancelTimer?.();
    this.#timerAt = Number.NEGATIVE_INFINITY;
    this.#delays.cancelAll();
    await waitAtMost(graceMs, [this.#activities.stop(), this.#orchestrations.stop(), this.#entities.stop()]);
    this.#closed = true;
  }

  get isIdle(): boolean {
    return this.#orchestrations.isIdle && this.#entities.isIdle && this.#activities.isIdle;
  }

  /** When the next durable timer, or what a fault put off, is due; infinite if there is nothing. */
  get nextTimerAtMs(): number {
    return Math.min(this.#timerAt, this.#delays.nextAtMs);
  }

  /** Sets in motion what a committed transaction calls for. */
  apply(effects: Effects): void {
    for (const id of effects.notified) this.notify(id);
    this.#deliver(effects.tasks);
    if (effects.timerAt < this.#timerAt) this.#armTimer(effects.timerAt);
  }

  /** An instance or an entity has got a message, or that many. */
  notify(id: string, messageCount = 1): void {
    const pace = this.#paces.get(id);
    if (pace) pace.awaited -= messageCount;
    (id.startsWith('@') ? this.#entities : this.#orchestrations).announce(id);
  }

  async #turn(id: string): Promise<void> {
    const startedMs = performance.now();
    const { effects, awaited } = await runOrchestrationTurn(this.host, this.#cache, id);
    const turnMs = performance.now() - startedMs;
    if (turnMs > longTurnMs && awaited > 0) this.#paces.set(id, { turnMs, awaited });
    else this.#paces.delete(id);
    this.apply(effects);
  }

  /** Replaying a long history for every single completion would cost more than waiting for some of them. */
  #gatherMs(id: string): number {
    const pace = this.#paces.get(id);
    return pace && pace.awaited > 0 ? Math.min(maxGatherMs, pace.turnMs) : 0;
  }

  #deliver(tasks: readonly TaskRow[]): void {
    const { activity } = this.host.faults;
    if (!activity) {
      this.#activities.add(tasks);
      return;
    }
    for (const task of tasks) this.#deliverLate({ ...task, fault: activity(task) ?? {}, isDuplicate: false });
  }

  #deliverLate(delivery: Delivery): void {
    this.#delays.after(delivery.fault?.startDelayMs ?? 0, () => this.#activities.add([delivery]));
  }

  #handIn(batch: readonly FinishedTask[]): void {
    const isLate = ({ task }: FinishedTask) => (task.fault?.resultDelayMs ?? 0) > 0;
    for (const one of batch.filter(isLate)) {
      this.#delays.after(one.task.fault?.resultDelayMs ?? 0, () => void this.#complete([one]));
    }
    void this.#complete(batch.filter((one) => !isLate(one)));
  }

  #complete(batch: readonly FinishedTask[]): Promise<void> {
    return this.#guard(async () => this.#record(batch));
  }

  #record(batch: readonly FinishedTask[]): void {
    const { store, clock } = this.host;
    const reports = new Map<string, number>();
    store.transaction(() => {
      for (const { task, event } of batch) {
        if (!store.deleteTask(task.id) && task.isDuplicate !== true) continue;
        sendEvent(store, { id: task.instanceId, executionId: task.executionId }, event, clock.now());
        reports.set(task.instanceId, (reports.get(task.instanceId) ?? 0) + 1);
      }
    });
    for (const [id, count] of reports) this.notify(id, count);
    for (const { task } of batch) this.#repeat(task);
  }

  /** A delivery that has reported comes again if a fault wants it so. */
  #repeat(delivery: Delivery): void {
    const { fault } = delivery;
    const duplicates = fault?.duplicates ?? 0;
    if (fault && duplicates > 0) {
      this.#deliverLate({ ...delivery, fault: { ...fault, duplicates: duplicates - 1 }, isDuplicate: true });
    }
  }

  #armTimer(atMs: number): void {
    this.#cancelTimer?.();
    this.#timerAt = atMs;
    this.#cancelTimer = this.host.clock.wakeAt(atMs, () => void this.#guard(async () => this.#fireTimers()));
  }

  #fireTimers(): void {
    const { store, clock } = this.host;
    this.#timerAt = Number.POSITIVE_INFINITY;
    const effects = noEffects();
    store.transaction(() => {
      for (const timer of store.takeDueTimers(clock.now())) {
        const event = {
          EventType: eventTypes.timerFired,
          TimerId: timer.timerId,
          FireAt: new Date(timer.fireAt).toISOString(),
        };
        sendEvent(store, { id: timer.instanceId, executionId: timer.executionId }, event, clock.now());
        effects.notified.add(timer.instanceId);
      }
    });
    effects.timerAt = store.nextTimerAt() ?? effects.timerAt;
    this.apply(effects);
  }

  async #guard(work: () => Promise<void>): Promise<void> {
    if (this.#closed) return;
    try {
      await work();
      this.#options.onQuiet();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** What outlives the host finds its store closed, which is nobody's fault. */
  #fail(error: unknown): void {
    if (!this.#closed) this.#options.onFatal(error);
  }
}
