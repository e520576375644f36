import { errorMessage, errorStack } from '../errors.ts';
import { isObject, toJson, tryParse } from '../json.ts';
import type { DurableSettings } from '../settings/host-json.ts';
import type { InstanceRow } from '../store/rows.ts';
import type { HostFunction } from '../worker/functions.ts';
import type { Around, Invoke } from '../worker/invoker.ts';
import type { OrchestratorState } from './actions.ts';
import { eventTypes } from './history.ts';
import type { HistoryEvent } from './history.ts';

/** What came of running an orchestrator function: its state, or the error of the framework around it. */
export type OrchestratorAnswer =
  | { readonly kind: 'state'; readonly state: OrchestratorState }
  | { readonly kind: 'crash'; readonly message: string; readonly stack: string };

/** Separates the message from the state in the error by which the library reports a failed orchestrator. */
const stateLabel = '$OutOfProcData$:';

/** The library reports what was thrown by its message alone; without one, the instance would stay as it is for ever. */
const threwNoError =
  'it threw something that is no Error, so durable-functions reports a failure without a reason. In Azure the instance would stay Running: ' +
  'throw Error objects.';

/** Runs an orchestrator over its history. Never rejects. */
export async function callOrchestrator(
  invoke: Invoke,
  invocation: { readonly fn: HostFunction; readonly trigger: object; readonly around: Around },
): Promise<OrchestratorAnswer> {
  const { fn, trigger, around } = invocation;
  try {
    const { returnValue } = await invoke({ fn, trigger: { value: trigger }, around });
    const state = tryParse(returnValue?.json ?? '');
    if (isState(state)) return { kind: 'state', state };
    const message = 'it gave back no orchestrator state. Was it registered with df.app.orchestration?';
    return { kind: 'crash', message, stack: '' };
  } catch (error) {
    const message = errorMessage(error);
    const label = message.indexOf(stateLabel);
    const state = label < 0 ? undefined : tryParse(message.slice(label + stateLabel.length));
    if (!isState(state)) return { kind: 'crash', message, stack: errorStack(error) };
    return state.error === undefined ? { kind: 'crash', message: threwNoError, stack: '' } : { kind: 'state', state };
  }
}

/** Throws if an orchestrator gave different answers over one and the same history. */
export function requireSame(first: OrchestratorAnswer, second: OrchestratorAnswer): void {
  const [one, other] = [first, second].map((answer) => toJson(answer.kind === 'state' ? answer.state : answer.message));
  if (one === other) return;
  throw new Error(
    'the orchestrator is not deterministic: run twice over the same history, it did not decide the same. ' +
      `Does it depend on time, chance, the environment or its own memory? First: ${excerpt(one)} Second: ${excerpt(other)}`,
  );
}

const excerptLength = 1_000;

function excerpt(text = ''): string {
  return text.length > excerptLength ? `${text.slice(0, excerptLength)}...` : text;
}

function isState(value: unknown): value is OrchestratorState {
  return isObject(value) && typeof value['isDone'] === 'boolean' && Array.isArray(value['actions']);
}

export interface TriggerOptions {
  readonly instance: InstanceRow;
  /** The events of former turns; the library may change their time stamps into dates. */
  readonly history: readonly HistoryEvent[];
  readonly arrived: readonly HistoryEvent[];
  /** The newest action format offered to the library: 1, 2 or 3. */
  readonly schemaVersion: number;
  readonly settings: DurableSettings;
}

/** The document that triggers an orchestrator (github.com/Azure/azure-functions-durable-extension, OutOfProcOrchestrationShim.cs). */
export function orchestrationTrigger(options: TriggerOptions): object {
  const { instance, history, arrived, schemaVersion, settings } = options;
  return {
    history: [...history.map(ownCopy), ...arrived.map((event) => ({ ...event, IsPlayed: false }))],
    input: JSON.parse(instance.input ?? 'null') as unknown,
    instanceId: instance.id,
    isReplaying: history.length > 0,
    parentInstanceId: instance.parentId,
    upperSchemaVersion: 1,
    upperSchemaVersionNew: schemaVersion,
    longRunningTimerIntervalDuration: '3.00:00:00',
    maximumShortTimerDuration: '6.00:00:00',
    defaultHttpAsyncRequestSleepTimeMillseconds: settings.defaultAsyncRequestSleepTimeMs,
  };
}

/** Events of which user code gets hold of a part (the current time, the details of a failure) are copied, as it may change them. */
function ownCopy(event: HistoryEvent): HistoryEvent {
  if (event.FailureDetails) return structuredClone(event);
  return event.EventType === eventTypes.orchestratorStarted ? { ...event } : event;
}
