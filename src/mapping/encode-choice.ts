import type { ColumnMetadata, ColumnOption } from '../dataverse/table.ts';
import type { CellEncoder, Misfit } from './cell-encoder.ts';
import { decodeText } from '../source/one-byte-text.ts';

/** Most values of a multi-select column (learn.microsoft.com/power-apps/developer/data-platform/multi-select-picklist). */
const multiSelectLimit = 150;

const wholeNumber = /^-?(?:0|[1-9]\d*)$/;

/** Picklist, State, Status: a number of the column's options, or a label that only one of them has. */
export function choiceEncoder(column: ColumnMetadata): CellEncoder {
  return optionFinder(column.options);
}

/** Several of them, separated by `;` or `,`: a JSON string such as `"1,9"`. */
export function multiSelectEncoder(column: ColumnMetadata): CellEncoder {
  const find = optionFinder(column.options);
  return (text) => {
    // Labels may contain a comma, so a semicolon anywhere makes it the separator.
    const values = new Set<string>();
    for (const choice of text.split(text.includes(';') ? ';' : ',')) {
      const value = find(choice.trim());
      if (typeof value !== 'string') return value;
      values.add(value);
    }
    if (values.size > multiSelectLimit) {
      return { code: 'mapping.choice', problem: `has ${values.size} values; at most ${multiSelectLimit} fit` };
    }
    return `"${[...values].join(',')}"`;
  };
}

function optionFinder(options: readonly ColumnOption[] | undefined): CellEncoder {
  const values = new Set(options?.map((option) => String(option.value)));
  const byLabel = groupByLabel(options ?? []);
  return (text) => {
    const isNumber = wholeNumber.test(text);
    if (isNumber && (options === undefined || values.has(text))) return text;
    const labelled = byLabel.get(foldLabel(decodeText(text)));
    if (labelled === undefined) return unknownOption(isNumber, options ?? []);
    const [value] = labelled;
    if (labelled.length === 1 && value !== undefined) return String(value);
    const problem = `is the label of several options (${labelled.join(', ')}); use the number`;
    return { code: 'mapping.choice', problem };
  };
}

function groupByLabel(options: readonly ColumnOption[]): ReadonlyMap<string, readonly number[]> {
  const groups = new Map<string, number[]>();
  for (const { value, label } of options) {
    if (label === undefined) continue;
    const group = groups.get(foldLabel(label));
    if (group === undefined) groups.set(foldLabel(label), [value]);
    else group.push(value);
  }
  return groups;
}

const foldLabel = (label: string) => label.normalize().toLowerCase();

const shownOptions = 10;

function unknownOption(isNumber: boolean, options: readonly ColumnOption[]): Misfit {
  const shown = options.slice(0, shownOptions).map(({ value, label }) => (label ? `${value} ${label}` : String(value)));
  const more = options.length > shownOptions ? `, and ${options.length - shownOptions} more` : '';
  const known = options.length > 0 ? ` (options: ${shown.join(', ')}${more})` : '';
  return { code: 'mapping.choice', problem: `is not ${isNumber ? 'an option' : 'an option or its label'}${known}` };
}
