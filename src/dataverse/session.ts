import type { Headers } from './headers.ts';
import type { TableCall } from './pending-row.ts';

/** On answers to writes on elastic tables (learn.microsoft.com/power-apps/developer/data-platform/use-elastic-tables). */
export const sessionTokenHeader = 'x-ms-session-token';

export function noteSession(call: TableCall, token: string | undefined): void {
  if (token !== undefined && isSendable(token)) call.lesson.sessionToken = token;
}

/** What makes a read see our own latest write; without it an elastic table may answer from before. */
export function sessionHeaders(call: TableCall): Headers {
  const { sessionToken } = call.lesson;
  return sessionToken === undefined ? {} : { 'MSCRM.SessionToken': sessionToken };
}

/** It goes into a header as it came, so it must be one line of visible text. */
function isSendable(token: string): boolean {
  return /^[\x21-\x7e]{1,1024}$/.test(token);
}
