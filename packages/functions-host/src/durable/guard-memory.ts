/** The memory that a guard shares with its watchdog: some numbers, then the running turn as JSON. */
export const guardSlots = { heartbeat: 0, textLength: 1, debugged: 2, never: 3, count: 4 } as const;

/** Room for the numbers and for two ids of the longest kind. */
export const guardedBytes = 4_096;

export interface WatchdogData {
  readonly memory: SharedArrayBuffer;
  readonly path: string;
  readonly limitS: number;
}

/** A turn that took a process down. */
export interface StoppedTurn {
  readonly instanceId: string;
  readonly executionId: string;
  /** What happened, as the end of a sentence about the orchestrator. */
  readonly fault: string;
}
