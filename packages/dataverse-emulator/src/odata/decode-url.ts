import { errorCodes, ODataError } from '../errors.ts';

/** Percent-decodes; 400 for broken escapes. */
export function decodeUrl(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ODataError(400, errorCodes.urlNotParsed, `The URL '${text}' is not valid.`);
  }
}
