import { describe, expect, test } from 'vitest';
import { HistoryCache } from '../../src/durable/history-cache.ts';
import { createEvent, eventTexts, eventTypes } from '../../src/durable/history.ts';
import type { HistoryEvent } from '../../src/durable/history.ts';

const completed = (Result: string): HistoryEvent =>
  createEvent({ EventType: eventTypes.taskCompleted, TaskScheduledId: 1, Result }, 0);

test('events that would not fit into one text are stored as several, none of them lost', () => {
  const [small, large] = [completed('1'), completed('x'.repeat(2 ** 26))];
  expect(eventTexts([small, small])).toHaveLength(1);
  const texts = eventTexts([small, large, small]);
  expect(texts.map(({ from }) => from)).toEqual([0, 1, 2]);
  expect(texts.flatMap(({ text }) => JSON.parse(text) as HistoryEvent[])).toEqual([small, large, small]);
});

describe('the history cache', () => {
  const history = (executionId: string, size: number) => ({ executionId, events: [completed('x'.repeat(size))] });
  const isKept = (cache: HistoryCache, id: string) => {
    let kept = true;
    cache.take(id, id, () => {
      kept = false;
      return [];
    });
    return kept;
  };

  test('is bounded by the size of what it holds, and lets go of the longest unused', () => {
    const cache = new HistoryCache(10_000);
    for (const id of ['a', 'b', 'c']) cache.put(id, history(id, 4_000));
    expect(['a', 'b', 'c'].map((id) => isKept(cache, id))).toEqual([false, true, true]);
  });

  test('does not keep what alone is larger than it may be, nor the history of another execution', () => {
    const cache = new HistoryCache(10_000);
    cache.put('large', history('large', 20_000));
    cache.put('same', history('earlier', 10));
    expect([isKept(cache, 'large'), isKept(cache, 'same')]).toEqual([false, false]);
  });
});
