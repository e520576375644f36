/** What a run does with each row. */
export type Operation = 'create' | 'update' | 'upsert' | 'delete';

/** What finally happened to one row; every row of a run ends as exactly one of these. */
export const outcomeKinds = [
  'created',
  'updated',
  'upserted',
  'deleted',
  'unchanged',
  'alreadyAbsent',
  'rejected',
  'unknown',
  'notAttempted',
] as const;

export type OutcomeKind = (typeof outcomeKinds)[number];

/** How many rows ended in each outcome; kinds that did not occur are absent. */
export type OutcomeCounts = Readonly<Partial<Record<OutcomeKind, number>>>;

/**
 * Where a rejection was decided: `source` (the row could not be read), `mapping` (a value does not fit its column) or
 * `service` (Dataverse refused the row).
 */
export type RejectionClass = 'source' | 'mapping' | 'service';

/** The outcome of one row. Everything beyond `row` and `outcome` is present only where it says something. */
export interface RowOutcome {
  /** Number of the record in the source, from 1. */
  readonly row: number;
  readonly outcome: OutcomeKind;
  /** Learned by a verifying read or a repeated request rather than by the first answer. */
  readonly recovered?: true;
  /** Why the row was rejected; of an unknown row, the last refusal. */
  readonly rejection?: Rejection;
  /** Why the row was not attempted. */
  readonly reason?: NotAttemptedReason;
}

/**
 * `superseded`: a later row of the file has the same key, and the last one wins. `poison`: whatever sent the row's slice was never heard of again,
 * time after time, and the row was not found done.
 */
export type NotAttemptedReason = 'superseded' | 'poison';

export interface Rejection {
  readonly class: RejectionClass;
  /** Service error code as `0x` and eight lower-case hex digits, or a dotted name of ours such as `mapping.integer`. */
  readonly code: string;
  readonly message: string;
  readonly httpStatus?: number;
  readonly serviceRequestId?: string;
  /** Sends of this row, the first one included. */
  readonly attempts?: number;
}

/** Adds counts; neither argument is changed. */
export function addCounts(left: OutcomeCounts, right: OutcomeCounts): OutcomeCounts {
  const sum: Partial<Record<OutcomeKind, number>> = { ...left };
  for (const kind of outcomeKinds) {
    const count = right[kind];
    if (count !== undefined) sum[kind] = (sum[kind] ?? 0) + count;
  }
  return sum;
}

/** Number of rows in all outcomes together. */
export function totalOf(counts: OutcomeCounts): number {
  return outcomeKinds.reduce((total, kind) => total + (counts[kind] ?? 0), 0);
}
