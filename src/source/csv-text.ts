/** Characters with which a spreadsheet takes a cell for a formula, behind any number of marks of ours (owasp.org/www-community/attacks/CSV_Injection). */
const formula = /^'*[=+\-@\t\r\n]/;
const guarded = /^''*[=+\-@\t\r\n]/;

/** A text that a spreadsheet shows instead of computing: a leading apostrophe where it would. `unguardFormula` takes it off again. */
export const guardFormula = (text: string): string => (formula.test(text) ? `'${text}` : text);

export const unguardFormula = (text: string): string => (guarded.test(text) ? text.slice(1) : text);

const needsQuotes = /[",\r\n]|^\s|\s$/;

/** One cell of RFC 4180; null is empty without quotes, and empty text is quoted, so that the two stay apart. */
export function csvCell(value: string | null): string {
  if (value === null) return '';
  return value === '' || needsQuotes.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

export const csvLine = (cells: readonly (string | null)[]): string => `${cells.map(csvCell).join(',')}\r\n`;
