/** One thing wrong with what a caller gave us, placed by JSON pointer (RFC 6901) into the run spec. */
export interface Fault {
  /** `''` is the whole document. */
  readonly pointer: string;
  /** Names the thing, the limit and the value. */
  readonly detail: string;
}

/** `a fault`, `2 faults` */
export const countFaults = ({ length }: readonly unknown[]): string => (length === 1 ? 'a fault' : `${length} faults`);

/** One step of a JSON pointer, escaped as RFC 6901 section 3 says. */
export function pointerSegment(name: string | number): string {
  return `/${String(name).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
