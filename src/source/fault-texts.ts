import type { CsvProblem } from './csv-records.ts';
import { fieldLimitBytes, recordLimitBytes } from './limits.ts';
import type { SourceFault } from './source.ts';

const csvProblems: Readonly<Record<CsvProblem, string>> = {
  quoteInField: 'A quotation mark stands inside a field that does not begin with one.',
  textAfterQuote: 'Text follows the closing quotation mark of a field.',
  unclosedQuote: 'A quotation mark is opened here and never closed.',
  loneReturn: 'A carriage return without line feed stands outside quotation marks; lines end with LF or CR LF.',
  fieldTooLong: `A field is longer than ${fieldLimitBytes} bytes.`,
};

export const recordTooLongText = `The record is longer than ${recordLimitBytes} bytes.`;

export function csvFault(kind: CsvProblem, place: Pick<SourceFault, 'row' | 'byteOffset'>): SourceFault {
  return { code: `source.${kind}`, message: csvProblems[kind], ...place };
}
