/** Why a value does not fit its column: `problem` continues the sentence "Column x: 'value' ...". */
export interface Misfit {
  /** Such as `mapping.integer`. */
  readonly code: string;
  readonly problem: string;
}

/** Turns the one-byte text of a cell into a JSON value or a part of a key predicate, in one-byte text. */
export type CellEncoder = (text: string) => string | Misfit;
