import type { Clock } from '../dataverse/clock.ts';
import type { Ledger } from '../ledger/ledger.ts';

/** How old an answer may be. A cancelled run sends nothing after this time plus the request in flight. */
const freshMs = 2_000;

/** Whether a run was cancelled, asked of the ledger at most once in two seconds by all lanes of the process together. */
export function createCancelWatch(
  ledger: Pick<Ledger, 'isCancelled'>,
  clock: Clock,
): (runId: string) => Promise<boolean> {
  const answers = new Map<string, { readonly askedMs: number; readonly answer: Promise<boolean> }>();
  return (runId) => {
    const known = answers.get(runId);
    const nowMs = clock.now();
    if (known !== undefined && nowMs - known.askedMs < freshMs) return known.answer;
    for (const [other, { askedMs }] of answers) if (nowMs - askedMs >= freshMs) answers.delete(other);
    // No answer is no reason to stop: the next question comes soon.
    const answer = ledger.isCancelled(runId).catch(() => false);
    answers.set(runId, { askedMs: nowMs, answer });
    return answer;
  };
}
