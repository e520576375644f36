/** Orchestration states as clients see them. */
export type RuntimeStatus =
  'Pending' | 'Running' | 'Suspended' | 'Completed' | 'ContinuedAsNew' | 'Failed' | 'Canceled' | 'Terminated';

export interface InstanceRow {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly executionId: string;
  readonly status: RuntimeStatus;
  /** JSON text. */
  readonly input: string | null;
  /** JSON text, or plain text of a failure or a reason. */
  readonly output: string | null;
  readonly customStatus: string | null;
  readonly parentId: string | null;
  readonly parentExecutionId: string | null;
  readonly parentName: string | null;
  readonly parentTaskId: number | null;
  /** Milliseconds since the Unix epoch, as all times here. */
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** An event on its way to an instance; without an execution id it is for whichever execution is current. */
export interface MessageRow {
  readonly id: number;
  readonly instanceId: string;
  readonly executionId: string | null;
  /** JSON text of a history event. */
  readonly event: string;
}

/** An activity that has to run. */
export interface TaskRow {
  readonly id: number;
  readonly instanceId: string;
  readonly executionId: string;
  readonly taskId: number;
  readonly name: string;
  readonly input: string | null;
}

export interface TimerRow {
  readonly instanceId: string;
  readonly executionId: string;
  readonly timerId: number;
  readonly fireAt: number;
}

export interface EntityRow {
  /** `@name@key`. */
  readonly id: string;
  readonly name: string;
  readonly key: string;
  /** 1 if the entity exists for readers; a row may live on for its lock alone. */
  readonly present: number;
  readonly state: string | null;
  /** Instance id of the orchestration that holds the entity's lock. */
  readonly lockOwner: string | null;
  readonly updatedAt: number;
}

export interface ScheduleRow {
  readonly name: string;
  readonly schedule: string;
  readonly last: string | null;
  readonly next: string;
  readonly updated: string;
}

/** True for states that an instance never leaves by itself. */
export function isFinished(status: RuntimeStatus): boolean {
  return status === 'Completed' || status === 'Failed' || status === 'Terminated' || status === 'Canceled';
}
