import type { Task } from 'durable-functions';
import type { CarriedLane, LateLane } from '../plan/carried.ts';
import type { LaneReport } from '../plan/lane.ts';
import type { LaneResult } from '../plan/wave.ts';
import type { LaneWork } from '../plan/waves.ts';
import { reasonOf, type Steps } from './steps.ts';

type Name = Pick<CarriedLane, 'wave' | 'lane'>;

/**
 * The lanes of one generation that are under way. A task that was yielded once must be in no other `all` or `any`: it would be scheduled again
 * (github.com/Azure/azure-functions-durable-js/issues/574). To ask it whether it is completed, and to yield it again as it is, is allowed, and all
 * that is done here.
 */
export class Flights {
  readonly #tasks = new Map<string, Task>();

  add({ wave, lane }: Name, task: Task): void {
    this.#tasks.set(`${wave}/${lane}`, task);
  }

  /** Null while the lane is out. A lane whose activity failed loses its report, not its neighbours'. */
  resultOf({ wave, lane }: Name, work: LaneWork): LaneResult | null {
    const task = this.#tasks.get(`${wave}/${lane}`);
    if (task === undefined) return { lost: work, detail: 'A lane ended without a report.' };
    if (!isBack(task)) return null;
    return task.isFaulted ? { lost: work, detail: reasonOf(task.result) } : (task.result as LaneReport);
  }

  /** Those of the lanes that are back. */
  backOf(carried: readonly CarriedLane[]): readonly LateLane[] {
    return carried.flatMap((lane) => {
      const result = this.resultOf(lane, lane.work);
      return result === null ? [] : [{ lane, result }];
    });
  }

  /** Waits for every lane that is out. */
  *land(): Steps<void> {
    for (const task of this.#tasks.values()) if (!isBack(task)) yield* ended(task);
  }

  /** Keeps only what is still out. */
  tidy(): void {
    for (const [name, task] of this.#tasks) if (isBack(task)) this.#tasks.delete(name);
  }
}

const isBack = (task: Task): boolean => task.isCompleted || task.isFaulted;

function* ended(task: Task): Steps<void> {
  try {
    yield task;
  } catch {
    // What a lane met is read from its task.
  }
}
