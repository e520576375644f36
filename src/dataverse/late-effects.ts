/** The service gives up a request after two minutes; what has not happened by then will not. */
export const lastEffectAfterMs = 150_000;

/** A process that wakes later than this behind its deadline was frozen, and others have taken over its work: it sends nothing more. */
export const longestOverrunMs = 120_000;

/** Until when something may take effect that was sent by a life with this deadline, whoever sees to its work now. */
export const lastEffectOfLifeMs = (deadlineAtMs: number): number => deadlineAtMs + longestOverrunMs + lastEffectAfterMs;
