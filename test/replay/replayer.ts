import { createRequire } from 'node:module';
import type { OrchestrationContext, Task } from 'durable-functions';

/** A history as the host keeps it, and the input the instance was started with. */
export interface RecordedHistory {
  readonly instanceId: string;
  readonly input: unknown;
  readonly history: readonly HistoryEvent[];
}

export interface HistoryEvent {
  readonly EventType: number;
  readonly Name?: string;
  readonly IsPlayed: boolean;
}

/** What one replay leads to: all actions since the start, flat, and the result if the orchestrator has returned. */
export interface Replayed {
  readonly isDone: boolean;
  readonly actions: readonly unknown[];
  readonly output?: unknown;
  readonly customStatus?: unknown;
}

export type Orchestrator = (context: OrchestrationContext) => Generator<Task, unknown, unknown>;

interface OrchestratorState {
  readonly isDone: boolean;
  readonly actions: readonly (readonly unknown[])[];
  readonly output?: unknown;
  readonly customStatus?: unknown;
}

type Listener = (trigger: object, context: object) => Promise<OrchestratorState>;

// The library exports no way to run an orchestrator over a given history; this is the function it registers with the host.
const library = createRequire(import.meta.url)('durable-functions/lib/src/util/testingUtils.js') as {
  readonly createOrchestrator: (orchestrator: Orchestrator) => Listener;
  readonly DummyOrchestrationContext: new () => object;
};

/** Runs an orchestrator over a history with the real library. */
export async function replay(
  orchestrator: Orchestrator,
  recorded: RecordedHistory,
  history: readonly HistoryEvent[],
): Promise<Replayed> {
  const trigger = {
    history: structuredClone(history),
    input: structuredClone(recorded.input),
    instanceId: recorded.instanceId,
    isReplaying: false,
    parentInstanceId: '',
    upperSchemaVersion: 1,
    upperSchemaVersionNew: 3,
    longRunningTimerIntervalDuration: '3.00:00:00',
    maximumShortTimerDuration: '6.00:00:00',
    defaultHttpAsyncRequestSleepTimeMillseconds: 30_000,
  };
  const state = await library.createOrchestrator(orchestrator)(trigger, new library.DummyOrchestrationContext());
  const { isDone, actions, output, customStatus } = JSON.parse(JSON.stringify(state)) as OrchestratorState;
  return { isDone, actions: actions.flat(), output, customStatus };
}
