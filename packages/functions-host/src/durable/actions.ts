import type { FailureDetails } from './history.ts';

/** Action numbers of the out-of-process protocol (npm durable-functions, lib/src/actions/ActionType.js). */
export const actionTypes = {
  callActivity: 0,
  callActivityWithRetry: 1,
  callSubOrchestrator: 2,
  callSubOrchestratorWithRetry: 3,
  continueAsNew: 4,
  createTimer: 5,
  waitForExternalEvent: 6,
  callEntity: 7,
  callHttp: 8,
  signalEntity: 9,
  whenAny: 11,
  whenAll: 12,
  lockEntities: 13,
  releaseEntities: 14,
} as const;

export interface RetryOptions {
  readonly firstRetryIntervalInMilliseconds: number;
  readonly maxNumberOfAttempts: number;
  readonly backoffCoefficient?: number;
  readonly maxRetryIntervalInMilliseconds?: number;
  readonly retryTimeoutInMilliseconds?: number;
}

export interface DurableHttpRequest {
  readonly method: string;
  readonly uri: string;
  readonly content?: string | null;
  readonly headers?: Readonly<Record<string, string>> | null;
  readonly tokenSource?: { readonly resource: string } | null;
  readonly asynchronousPatternEnabled?: boolean;
}

/** What calls of activities and sub-orchestrations say. */
export interface CallAction {
  readonly functionName: string;
  readonly input?: unknown;
  readonly instanceId?: string;
  readonly version?: string;
}

/** What calls and signals of entities say. */
export interface EntityAction {
  readonly instanceId: string;
  readonly operation: string;
  readonly input?: unknown;
}

export interface LockAction {
  readonly lockSet: readonly EntityName[];
  readonly lockRequestId: string;
}

export type Action =
  | ({ readonly actionType: 0 | 2 } & CallAction)
  | ({ readonly actionType: 1 | 3; readonly retryOptions: RetryOptions } & CallAction)
  | { readonly actionType: 4; readonly input?: unknown }
  | { readonly actionType: 5; readonly fireAt: string; readonly isCanceled: boolean }
  | { readonly actionType: 6; readonly externalEventName: string }
  | ({ readonly actionType: 7 | 9 } & EntityAction)
  | { readonly actionType: 8; readonly httpRequest: DurableHttpRequest }
  | { readonly actionType: 11 | 12; readonly compoundActions: readonly Action[] }
  | ({ readonly actionType: 13 } & LockAction)
  | { readonly actionType: 14 };

export interface EntityName {
  readonly name: string;
  readonly key: string;
}

/** What an orchestrator's turn gives back: every action of the execution so far, not only the new ones. */
export interface OrchestratorState {
  readonly isDone: boolean;
  readonly actions: readonly (readonly Action[])[];
  readonly output?: unknown;
  readonly error?: string;
  readonly customStatus?: unknown;
  readonly failureDetails?: FailureDetails;
}

/** `@name@key`, the instance id of a durable entity; names are lower-cased. */
export function entityInstanceId(entity: EntityName): string {
  return `@${entity.name.toLowerCase()}@${entity.key}`;
}

/** Name and key of a durable entity's instance id, undefined if the id is none. */
export function parseEntityInstanceId(instanceId: string): EntityName | undefined {
  const separator = instanceId.indexOf('@', 1);
  if (!instanceId.startsWith('@') || separator < 0) return undefined;
  return { name: instanceId.slice(1, separator), key: instanceId.slice(separator + 1) };
}
