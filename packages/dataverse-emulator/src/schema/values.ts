/** What a lookup column holds. */
export interface Reference {
  readonly id: string;
  /** Logical name of the table the row is in. */
  readonly table: string;
}

/** What a column holds. Dates are text: `YYYY-MM-DD`, or `YYYY-MM-DDTHH:MM:SSZ`; GUIDs are lower case. */
export type Value = string | number | boolean | Reference | null;

export function isReference(value: Value | undefined): value is Reference {
  return typeof value === 'object' && value !== null;
}
