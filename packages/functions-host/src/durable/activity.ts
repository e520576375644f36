import { errorMessage, errorStack } from '../errors.ts';
import { isObject, toJson, tryParse } from '../json.ts';
import type { TaskRow } from '../store/rows.ts';
import { limitTime } from '../worker/limit-time.ts';
import { typedDataToJson } from '../worker/rpc.ts';
import { requireFunction } from './durable-host.ts';
import type { DurableHost } from './durable-host.ts';
import { eventTypes } from './history.ts';
import type { EventBody, FailureDetails } from './history.ts';
import { httpActivityName } from './action-performer.ts';
import { callHttp } from './http-activity.ts';

/** Runs an activity; failures become the event that tells the orchestration. Never rejects. */
export async function runActivity(host: DurableHost, task: TaskRow): Promise<EventBody> {
  try {
    const Result =
      task.name === httpActivityName ? await callHttp(task.input, host.environment) : await callActivity(host, task);
    return { EventType: eventTypes.taskCompleted, TaskScheduledId: task.taskId, Result };
  } catch (error) {
    return failedEvent(task, error);
  }
}

async function callActivity(host: DurableHost, task: TaskRow): Promise<string | null> {
  const fn = requireFunction(host.catalog, 'activity', task.name);
  const trigger = task.input === null ? {} : { string: task.input };
  const invocation = host.invoke({ fn, trigger, triggerMetadata: { instanceId: { string: task.instanceId } } });
  const response = await limitTime(host, fn.name, invocation);
  return typedDataToJson(response.returnValue);
}

function failedEvent(task: TaskRow, thrown: unknown): EventBody {
  const details = failureDetails(thrown);
  const message = details?.ErrorMessage ?? errorMessage(thrown);
  const Reason = `Activity function '${task.name}' failed: ${message}`;
  const exception = {
    ClassName: 'System.Exception',
    Message: message,
    Data: null,
    InnerException: null,
    StackTraceString: errorStack(thrown),
  };
  const body = { EventType: eventTypes.taskFailed, TaskScheduledId: task.taskId, Reason, Details: toJson(exception) };
  return details ? { ...body, FailureDetails: details } : body;
}

/** With an exception properties provider, durable-functions throws its details as JSON in the message. */
function failureDetails(thrown: unknown): FailureDetails | undefined {
  const payload = tryParse(errorMessage(thrown));
  if (!isObject(payload) || typeof payload['errorType'] !== 'string' || typeof payload['errorMessage'] !== 'string')
    return undefined;
  return {
    ErrorType: payload['errorType'],
    ErrorMessage: payload['errorMessage'],
    StackTrace: typeof payload['stackTrace'] === 'string' ? payload['stackTrace'] : null,
    IsNonRetriable: payload['isNonRetriable'] === true,
    Properties: payload['properties'] ?? null,
    InnerFailure: null,
  };
}
