import type { OutcomeKind, RejectionClass } from './outcome.ts';

/** Outcomes that leave something to do. */
export const redrivableKinds = ['rejected', 'unknown', 'notAttempted'] as const satisfies readonly OutcomeKind[];

/** Which rows of an ended run are sent again; superseded ones never are. */
export interface RowSelection {
  readonly outcomes: readonly (typeof redrivableKinds)[number][];
  /** Rejected rows of these classes only; absent: of all. */
  readonly classes?: readonly RejectionClass[];
  /** Rejected rows with these codes only; absent: with any. */
  readonly codes?: readonly string[];
}

/** A run over rows of an earlier run. */
export type Lineage = {
  /** The run whose rows these are. */
  readonly of: string;
  /** The first run of the lineage: its source numbers the rows, and made ids are derived from it. */
  readonly root: string;
} & (
  | {
      readonly kind: 'redrive';
      readonly selection: RowSelection;
      /** Values come from an edited file. */ readonly edited: boolean;
    }
  | { readonly kind: 'undo' }
);

export interface RowFacts {
  readonly outcome: OutcomeKind;
  readonly reason?: string;
  readonly rejection?: { readonly class: RejectionClass; readonly code: string };
}

export function isSelected({ outcomes, classes, codes }: RowSelection, row: RowFacts): boolean {
  if (row.reason === 'superseded' || !outcomes.some((outcome) => outcome === row.outcome)) return false;
  if (row.outcome !== 'rejected' || row.rejection === undefined) return true;
  return (classes?.includes(row.rejection.class) ?? true) && (codes?.includes(row.rejection.code) ?? true);
}
