/**
 * Where a spreadsheet would take what follows for a formula, behind any number of marks of ours (owasp.org/www-community/attacks/CSV_Injection): at
 * the start of a cell, and where one may begin for it. Where people write decimals with a comma it separates cells by semicolons, does not
 * see the quotation marks behind our commas, and ends them at line breaks.
 */
const formula = /^('*)(?=[=+\-@\t\r\n])|(?<=[;\t\r\n])('*)(?=[=+\-@])/g;
const guarded = /^'('*)(?=[=+\-@\t\r\n])|(?<=[;\t\r\n])'('*)(?=[=+\-@])/g;

/** A text that a spreadsheet shows instead of computing: an apostrophe where it would. `unguardFormula` takes it off again. */
export const guardFormula = (text: string): string => text.replace(formula, "'$1$2");

export const unguardFormula = (text: string): string => text.replace(guarded, '$1$2');

const needsQuotes = /[",\r\n]|^\s|\s$/;

/** One cell of RFC 4180; null is empty without quotes, and empty text is quoted, so that the two stay apart. */
export function csvCell(value: string | null): string {
  if (value === null) return '';
  return value === '' || needsQuotes.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

export const csvLine = (cells: readonly (string | null)[]): string => `${cells.map(csvCell).join(',')}\r\n`;
