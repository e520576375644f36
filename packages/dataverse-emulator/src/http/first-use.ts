import { errorCodes, ODataError } from '../errors.ts';

/** What the database says while the types and procedures of a bulk message are being made: joshsmithxrm/ppds-sdk. */
const raceErrors = [
  [3732, 'Cannot drop type because it is being referenced by object.'],
  [2766, 'The definition for user-defined data type has changed.'],
  [2812, 'Could not find stored procedure.'],
] as const;

/** The first use of a bulk message on a table prepares the database for it; calls that come meanwhile fail. */
export class FirstUse {
  readonly #readyAtMs = new Map<string, number>();
  #failures = 0;

  /** How much longer this call takes. Throws for a call that comes while another one prepares. */
  enter(key: string, nowMs: number, preparationMs: number): number {
    const readyAtMs = this.#readyAtMs.get(key);
    if (readyAtMs === undefined) {
      this.#readyAtMs.set(key, nowMs + preparationMs);
      return preparationMs;
    }
    if (nowMs >= readyAtMs) return 0;
    const [number, text] = raceErrors[this.#failures % raceErrors.length] ?? raceErrors[0];
    this.#failures += 1;
    throw new ODataError(
      400,
      errorCodes.genericSql,
      `Generic SQL error. CRM ErrorCode: -2147204784 Sql ErrorCode: -2146232060 Sql Number: ${number} ${text}`,
    );
  }

  /** Every table is new again. */
  clear(): void {
    this.#readyAtMs.clear();
  }
}
