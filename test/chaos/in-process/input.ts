import type { Random } from '../random.ts';
import type { Kind } from './scenario.ts';

/** One row of the input, as the generator knows it. */
export interface InputRow {
  readonly row: number;
  readonly key: number;
  readonly name: string;
  /** Decided before a request: the population is no number. */
  readonly isMisfit: boolean;
  /** Refused by the service: the required name is missing. */
  readonly isRefused: boolean;
  readonly from: number;
  readonly to: number;
}

export interface InputOptions {
  readonly kind: Kind;
  /** The column of the ids that rows bring with them; absent: they bring none. */
  readonly idColumn?: string;
  readonly rowCount: number;
  readonly repeats: number;
  readonly bad: number;
}

/** Stands in every value of a column; whatever of the run holds it has told row values. */
export const canary = 'Kanarienvogel';

export function createInput(
  random: Random,
  options: InputOptions,
): { readonly csv: Buffer; readonly rows: InputRow[] } {
  const { kind, idColumn, rowCount, repeats, bad } = options;
  const columns = ['fan_geonameid', 'fan_name', 'fan_population'];
  const rows: InputRow[] = [];
  let text = `${[...(idColumn === undefined ? [] : [idColumn]), ...columns].join(',')}\n`;
  for (let row = 1; row <= rowCount; row += 1) {
    const earlier = rows[random.between(0, Math.max(0, rows.length - 1))];
    const key = earlier !== undefined && random.chance(repeats) ? earlier.key : row;
    const isMisfit = kind !== 'delete' && random.chance(bad);
    const isRefused = !isMisfit && kind !== 'delete' && random.chance(bad);
    const name = `${canary} ${row}, "${key}"`;
    const cells = [
      ...(idColumn === undefined ? [] : [idOf(key)]),
      String(key),
      isRefused ? '' : quoted(name),
      isMisfit ? 'x' : String(row),
    ];
    const from = Buffer.byteLength(text);
    text += `${cells.join(',')}\n`;
    rows.push({ row, key, name, isMisfit, isRefused, from, to: Buffer.byteLength(text) - 1 });
  }
  return { csv: Buffer.from(text), rows };
}

const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;

/** Primary id of a row that brings its own, or was there before. */
export const idOf = (key: number): string => `00000000-0000-4000-9000-${key.toString(16).padStart(12, '0')}`;
