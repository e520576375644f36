/** Rows in a bulk message before anything is known of what they cost. */
export const defaultRowsPerRequest = 100;
/** Rows in a row with one error code that end a run when the spec does not say. */
export const defaultInARow = 50;
/** More operations than this are refused in one `$batch`, to which every bulk message must be able to fall back. */
export const maxRowsPerRequest = 1_000;
/** The hint is an integer between 1 and 1,024 (learn.microsoft.com/power-apps/developer/data-platform/send-parallel-requests). */
export const maxDop = 1_024;
