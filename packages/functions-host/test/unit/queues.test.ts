import { describe, expect, test } from 'vitest';
import { ActivityPool } from '../../src/durable/activity-pool.ts';
import type { FinishedTask } from '../../src/durable/activity-pool.ts';
import { eventTypes } from '../../src/durable/history.ts';
import { KeyedQueue } from '../../src/durable/keyed-queue.ts';
import type { TaskRow } from '../../src/store/rows.ts';

const pause = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('the keyed queue', () => {
  test('runs one piece of work per key, a few keys at once, and comes back for keys announced meanwhile', async () => {
    const running = new Set<string>();
    const runs = new Map<string, number>();
    let widest = 0;
    const queue = new KeyedQueue({
      limit: 2,
      work: async (key) => {
        expect(running.has(key)).toBe(false);
        running.add(key);
        widest = Math.max(widest, running.size);
        if (!runs.has(key)) queue.announce(key);
        runs.set(key, (runs.get(key) ?? 0) + 1);
        await pause();
        running.delete(key);
      },
    });
    for (const key of ['a', 'b', 'c', 'a']) queue.announce(key);
    while (!queue.isIdle) await pause();
    expect(Object.fromEntries(runs)).toEqual({ a: 2, b: 2, c: 2 });
    expect(widest).toBe(2);
  });

  test('work that gathers starts as soon as an announcement leaves nothing to gather', async () => {
    const done: string[] = [];
    let delayMs = 60_000;
    const queue = new KeyedQueue({
      limit: 1,
      work: async (key) => void done.push(key),
      delayMs: () => delayMs,
    });
    queue.announce('a');
    queue.announce('a');
    await pause();
    expect({ done, isIdle: queue.isIdle }).toEqual({ done: [], isIdle: false });
    delayMs = 0;
    queue.announce('a');
    while (!queue.isIdle) await pause();
    expect(done).toEqual(['a']);
  });

  test('stopping waits for what runs and starts nothing more', async () => {
    const done: string[] = [];
    const queue = new KeyedQueue({
      limit: 1,
      work: async (key) => {
        await pause();
        done.push(key);
      },
    });
    queue.announce('a');
    queue.announce('b');
    await pause();
    await queue.stop();
    queue.announce('c');
    await pause();
    expect(done).toEqual(['a']);
  });
});

describe('the activity pool', () => {
  const task = (id: number): TaskRow => ({ id, instanceId: 'i', executionId: 'e', taskId: id, name: 'n', input: null });

  test('keeps to its limit, starts in order and hands in everything', async () => {
    const started: number[] = [];
    const handed: FinishedTask[] = [];
    let running = 0;
    let widest = 0;
    const pool = new ActivityPool({
      limit: 10,
      run: async ({ id }) => {
        started.push(id);
        widest = Math.max(widest, ++running);
        await pause();
        running--;
        return { EventType: eventTypes.taskCompleted, TaskScheduledId: id };
      },
      handIn: (batch) => handed.push(...batch),
    });
    const ids = Array.from({ length: 200 }, (_, i) => i);
    pool.add(ids.map(task));
    while (!pool.isIdle) await pause();
    expect(widest).toBe(10);
    expect(started).toEqual(ids);
    expect(handed.map((one) => one.task.id).toSorted((a, b) => a - b)).toEqual(ids);
  });
});
