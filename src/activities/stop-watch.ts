import type { Clock } from '../dataverse/clock.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { StopMark } from '../ledger/marks.ts';

/** How old an answer may be. A cancelled or paused run sends nothing after this time plus the request in flight. */
const freshMs = 2_000;

/** Whether a run was cancelled or paused, asked of the ledger at most once in two seconds by all lanes of the process together. */
export function createStopWatch(
  ledger: Pick<Ledger, 'readStop'>,
  clock: Clock,
): (runId: string) => Promise<StopMark | undefined> {
  const answers = new Map<string, { readonly askedMs: number; readonly answer: Promise<StopMark | undefined> }>();
  return (runId) => {
    const known = answers.get(runId);
    const nowMs = clock.now();
    if (known !== undefined && nowMs - known.askedMs < freshMs) return known.answer;
    for (const [other, { askedMs }] of answers) if (nowMs - askedMs >= freshMs) answers.delete(other);
    // No answer is no reason to stop: the next question comes soon.
    const answer = ledger.readStop(runId).catch(() => undefined);
    answers.set(runId, { askedMs: nowMs, answer });
    return answer;
  };
}
