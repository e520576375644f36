import { parse } from 'csv-parse/sync';
import type { Evidence, ExpectedRow } from '../check-invariants.ts';
import type { Random } from '../random.ts';

export interface Load {
  readonly operation: Evidence['operation'];
  readonly csv: string;
  readonly rowCount: number;
}

const header = 'fan_geonameid,fan_name,fan_population';
/** Stands in every value of a column; whatever keeps it has told row values. */
export const canary = 'Kanarienvogel';

export function createLoad(random: Random): Load {
  const operation = random.pick<Load['operation']>(['create', 'upsert', 'upsert', 'delete', 'update']);
  const rowCount = random.between(500, 3_000);
  const lines = Array.from({ length: rowCount }, (_, at) => {
    const population = operation !== 'delete' && random.chance(0.01) ? 'x' : String(at + 1);
    return `${at + 1},"${canary} ${at + 1}",${population}`;
  });
  return { operation, rowCount, csv: `${[header, ...lines].join('\n')}\n` };
}

/** Rows that are on the server before an update or a delete. */
export const rowsBefore = ({ csv }: Load): string => csv.replaceAll(`"${canary}`, '"Before').replaceAll(',x\n', ',1\n');

/** Read by csv-parse, with its own byte positions. */
export function expectedRows({ csv }: Load): ExpectedRow[] {
  const records = parse<{
    readonly record: Readonly<Record<string, string>>;
    readonly info: { readonly bytes: number };
  }>(csv, { columns: true, info: true });
  let from = csv.indexOf('\n') + 1;
  return records.map(({ record, info }, at) => {
    const row = {
      row: at + 1,
      key: record['fan_geonameid'] ?? '',
      value: record['fan_name'] ?? '',
      from,
      to: info.bytes - 1,
    };
    from = info.bytes;
    return row;
  });
}
