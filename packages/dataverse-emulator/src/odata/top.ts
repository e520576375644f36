import { errorCodes, ODataError } from '../errors.ts';

/** `$top` as a number; throws 400 for what is none. */
export function topOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const top = Number(text);
  if (Number.isInteger(top) && top >= 1) return top;
  throw new ODataError(400, errorCodes.urlNotParsed, `Invalid value '${text}' for $top query option found.`);
}
