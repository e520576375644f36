import type { OrchestrationContext, Task } from 'durable-functions';
import { describe, expect, it } from 'vitest';
import { CancelWatch } from '../../src/orchestrators/cancel-watch.ts';
import { cancelEvent } from '../../src/names.ts';
import { replay, type HistoryEvent } from './replayer.ts';

/** Waits, does something else, and waits again. */
function* waitsTwice(context: OrchestrationContext): Generator<Task, unknown, unknown> {
  const cancel = new CancelWatch(context);
  const first = yield* cancel.isHeardWithin(1_000);
  yield context.df.callActivity('between', {});
  const between = cancel.isHeard;
  return { first, between, second: yield* cancel.isHeardWithin(3_600_000) };
}

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
const event = (EventType: number, second: number, more: object = {}): HistoryEvent =>
  ({ EventType, EventId: -1, IsPlayed: false, Timestamp: at(second), ...more }) as unknown as HistoryEvent;
const raised = event(15, 2, { Name: cancelEvent, Input: 'null' });
const begun = [
  event(12, 0),
  event(0, 0, { Name: 'waitsTwice', Input: null, OrchestrationInstance: { InstanceId: 'a', ExecutionId: 'b' } }),
  event(10, 0, { EventId: 0, FireAt: at(1) }),
  event(13, 0),
  event(12, 1),
  event(11, 1, { TimerId: 0, FireAt: at(1) }),
  event(4, 1, { EventId: 1, Name: 'between' }),
  event(13, 1),
  event(12, 2),
];
const answered = event(5, 2, { TaskScheduledId: 1, Result: 'null' });
const outputOf = async (history: readonly HistoryEvent[]) =>
  (await replay(waitsTwice, { instanceId: 'a', input: null, history }, history)).output;

describe('a cancel', () => {
  it('that comes between two waits ends the second at once', async () => {
    expect(await outputOf([...begun, raised, answered])).toEqual({ first: false, between: true, second: true });
  });

  it('that comes during the second wait ends it', async () => {
    const history = [...begun, answered, event(10, 2, { EventId: 2, FireAt: at(3_602) }), event(13, 2), event(12, 3)];
    expect(await outputOf(history)).toBeUndefined();
    expect(await outputOf([...history, raised])).toEqual({ first: false, between: false, second: true });
  });
});
