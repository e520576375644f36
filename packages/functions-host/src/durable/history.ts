/** History event numbers, as the Durable Task Framework writes them (github.com/Azure/durabletask, EventType.cs). */
export const eventTypes = {
  executionStarted: 0,
  executionCompleted: 1,
  executionTerminated: 3,
  taskScheduled: 4,
  taskCompleted: 5,
  taskFailed: 6,
  childCreated: 7,
  childCompleted: 8,
  childFailed: 9,
  timerCreated: 10,
  timerFired: 11,
  orchestratorStarted: 12,
  orchestratorCompleted: 13,
  eventSent: 14,
  eventRaised: 15,
  continueAsNew: 16,
  executionSuspended: 19,
  executionResumed: 20,
  executionRewound: 21,
} as const;

export type EventType = (typeof eventTypes)[keyof typeof eventTypes];

export interface ParentInstance {
  readonly OrchestrationInstance: { readonly InstanceId: string; readonly ExecutionId: string };
  readonly Name: string;
  readonly Version: string;
  readonly TaskScheduleId: number;
}

/** Failure in the newer, structured form. */
export interface FailureDetails {
  readonly ErrorType: string;
  readonly ErrorMessage: string;
  readonly StackTrace?: string | null;
  readonly IsNonRetriable?: boolean;
  readonly Properties?: unknown;
  readonly InnerFailure?: unknown;
}

/** What an event carries besides its type, number and time. Which fields are present depends on the type. */
export interface EventBody {
  readonly EventType: EventType;
  readonly EventId?: number;
  readonly Name?: string;
  readonly Version?: string;
  readonly Input?: string | null;
  readonly InstanceId?: string;
  readonly OrchestrationInstance?: { readonly InstanceId: string; readonly ExecutionId: string };
  readonly ParentInstance?: ParentInstance | null;
  readonly TaskScheduledId?: number;
  readonly TimerId?: number;
  readonly FireAt?: string;
  readonly Result?: string | null;
  readonly Reason?: string | null;
  readonly Details?: string | null;
  readonly FailureDetails?: FailureDetails;
  readonly OrchestrationStatus?: string;
}

/** One event of an orchestration's history, in the shape that durable-functions reads. Times are ISO 8601, UTC. */
export interface HistoryEvent extends EventBody {
  readonly EventId: number;
  readonly IsPlayed: boolean;
  readonly Timestamp: string;
}

/** An event as stored: played, since it is read again only in later turns. EventId is -1 where the type has no number. */
export function createEvent(body: EventBody, atMs: number): HistoryEvent {
  return { EventId: -1, ...body, IsPlayed: true, Timestamp: new Date(atMs).toISOString() };
}

const bareEventChars = 150;

/** About how long an event is as JSON, without making the text. */
function charsOf({ Result, Input, Details }: EventBody): number {
  return bareEventChars + (Result?.length ?? 0) + (Input?.length ?? 0) + (Details?.length ?? 0);
}

/** About how long events are as JSON together. */
export function charsOfAll(events: readonly EventBody[]): number {
  return events.reduce((sum, event) => sum + charsOf(event), 0);
}

/** One JSON text longer than this is split, well below what a string of V8 can hold (2 ** 29 characters). */
const maxTextChars = 2 ** 26;

/** Events as JSON arrays of bearable length, mostly one; `from` is the place of its first event. */
export function eventTexts(events: readonly HistoryEvent[]): { readonly from: number; readonly text: string }[] {
  if (charsOfAll(events) <= maxTextChars) return [{ from: 0, text: JSON.stringify(events) }];
  return events.map((event, from) => ({ from, text: JSON.stringify([event]) }));
}
