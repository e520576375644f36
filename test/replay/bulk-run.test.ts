import { readdirSync, readFileSync } from 'node:fs';
import type { OrchestrationContext, Task } from 'durable-functions';
import { describe, expect, it } from 'vitest';
import { names } from '../../src/names.ts';
import { bulkRun } from '../../src/orchestrators/bulk-run.ts';
import { replay, type HistoryEvent, type RecordedHistory } from './replayer.ts';

const folder = new URL('./histories/', import.meta.url);
const recordings = readdirSync(folder).map(
  (file) =>
    [file.replace('.json', ''), JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as RecordedHistory] as const,
);

const eventTypes = { taskScheduled: 4, timerCreated: 10, orchestratorStarted: 12, eventSent: 14 };

/** Every prefix that a host could hand over: it holds a started turn and the start of the execution. */
function prefixesOf(history: readonly HistoryEvent[]): readonly (readonly HistoryEvent[])[] {
  return history.slice(1).map((_, at) => history.slice(0, at + 2));
}

/** Activity calls in the order in which the orchestrator asked for them, those inside a wait for all included. */
function activitiesOf(actions: readonly unknown[]): readonly string[] {
  return actions.flatMap((action) => {
    const { functionName, compoundActions } = action as {
      readonly functionName?: string;
      readonly compoundActions?: readonly unknown[];
    };
    if (compoundActions !== undefined) return activitiesOf(compoundActions);
    return functionName === undefined ? [] : [functionName];
  });
}

/** Without what may change of an action later: a timer that lost is cancelled, and keeps its place. */
const placesOf = (actions: readonly unknown[]): unknown =>
  JSON.parse(JSON.stringify(actions), (key, value: unknown) => (key === 'isCanceled' ? undefined : value));

describe.each(recordings)('the recorded history "%s"', (_name, recorded) => {
  it('leads to the recorded activities, in order, and to an end', async () => {
    const state = await replay(bulkRun, recorded, recorded.history);
    const scheduled = recorded.history
      .filter((event) => event.EventType === eventTypes.taskScheduled)
      .map((event) => event.Name);
    expect(activitiesOf(state.actions)).toEqual(scheduled);
    expect(state.isDone).toBe(true);
  });

  it('leads from every prefix to a beginning of the same actions', async () => {
    const whole = await replay(bulkRun, recorded, recorded.history);
    let before = 0;
    for (const prefix of prefixesOf(recorded.history)) {
      const { actions } = await replay(bulkRun, recorded, prefix);
      expect(placesOf(actions)).toEqual(placesOf(whole.actions.slice(0, actions.length)));
      expect(actions.length).toBeGreaterThanOrEqual(before);
      before = actions.length;
    }
    expect(before).toBe(whole.actions.length);
  });

  it('names only functions that are still registered', () => {
    const registered: ReadonlySet<string> = new Set(Object.values(names));
    const named = recorded.history.filter(
      (event) => event.EventType === eventTypes.taskScheduled || event.EventType === 0,
    );
    expect(named.map((event) => event.Name).filter((name) => name === undefined || !registered.has(name))).toEqual([]);
  });
});

describe('the replay test itself', () => {
  it('finds an orchestrator that does something else when it is replayed', async () => {
    const recorded = recordings.find(([name]) => name === 'waves')?.[1];
    if (recorded === undefined) throw new Error('The history "waves" is missing.');
    let replays = 0;
    function* unsteady(context: OrchestrationContext): Generator<Task, unknown, unknown> {
      replays += 1;
      yield context.df.callActivity(replays % 2 === 0 ? 'openRun' : 'indexSource', {});
      return undefined;
    }
    const states = [
      await replay(unsteady, recorded, recorded.history.slice(0, 2)),
      await replay(unsteady, recorded, recorded.history.slice(0, 3)),
    ];
    expect(states[0]?.actions).not.toEqual(states[1]?.actions);
  });

  it('has histories with several waves, with a wait on a timer, and with calls of the governor', () => {
    const count = (recorded: RecordedHistory, type: number) =>
      recorded.history.filter((event) => event.EventType === type).length;
    const byName = new Map(recordings);
    const [waves, throttled] = [byName.get('waves'), byName.get('throttled')];
    if (waves === undefined || throttled === undefined) throw new Error('Histories are missing.');
    expect(count(waves, eventTypes.eventSent)).toBeGreaterThan(2);
    expect(count(throttled, eventTypes.timerCreated)).toBeGreaterThan(0);
  });
});
