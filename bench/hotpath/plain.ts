import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { parse } from 'csv-parse';
import { accounts } from './accounts.ts';
import type { Job } from './job.ts';

type Row = Readonly<Record<string, unknown>>;

/** What one writes first: an object for each row, `JSON.stringify`, `fetch`, and so many requests in flight. */
export async function preparePlain(job: Job): Promise<(rows: number) => Promise<number>> {
  return async (rows) => {
    const inFlight = new Set<Promise<void>>();
    let sent = 0;
    let targets: Row[] = [];
    const flush = async () => {
      const request = send(job, targets).finally(() => inFlight.delete(request));
      inFlight.add(request);
      targets = [];
      if (inFlight.size >= job.lanes) await Promise.race(inFlight);
    };
    for await (const record of job.format === 'csv' ? readCsv(job.file) : readJsonLines(job.file)) {
      targets.push(toTarget(record));
      sent += 1;
      if (targets.length === job.rowsPerRequest) await flush();
      if (sent === rows) break;
    }
    if (targets.length > 0) await flush();
    await Promise.all(inFlight);
    return sent;
  };
}

function readCsv(file: string): AsyncIterable<Row> {
  return createReadStream(file).pipe(parse({ columns: true, bom: true })) as AsyncIterable<Row>;
}

async function* readJsonLines(file: string): AsyncGenerator<Row> {
  for await (const line of createInterface({ input: createReadStream(file) })) {
    if (line !== '') yield JSON.parse(line) as Row;
  }
}

const numericTypes: ReadonlySet<string> = new Set(['Integer', 'Decimal', 'Double', 'Picklist']);
const written = accounts.columns.filter(
  ({ logicalName }) => logicalName !== 'fan_accountid' && logicalName !== 'fan_number',
);

/** The members a bulk message wants, each of the column's type. */
export function toTarget(record: Row): Row {
  const number = String(record['fan_number']).replaceAll("'", "''");
  const target: Record<string, unknown> = {
    '@odata.type': 'Microsoft.Dynamics.CRM.fan_account',
    '@odata.id': `fan_accounts(fan_number='${number}')`,
  };
  for (const { logicalName, type } of written) {
    const value = record[logicalName];
    const isEmpty = value === null || value === undefined || value === '';
    if (type === 'Lookup' && isEmpty) target['fan_ParentId'] = null;
    else if (type === 'Lookup') target['fan_ParentId@odata.bind'] = `/fan_accounts(${String(value)})`;
    else if (isEmpty) target[logicalName] = null;
    else if (numericTypes.has(type)) target[logicalName] = Number(value);
    else if (type === 'Boolean') target[logicalName] = value === true || value === 'true';
    else target[logicalName] = value;
  }
  return target;
}

async function send({ url, token }: Job, targets: readonly Row[]): Promise<void> {
  const response = await fetch(`${url}/api/data/v9.2/fan_accounts/Microsoft.Dynamics.CRM.UpsertMultiple`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json; charset=utf-8',
      accept: 'application/json',
      'odata-version': '4.0',
      'odata-maxversion': '4.0',
    },
    body: JSON.stringify({ Targets: targets }),
  });
  await response.text();
  if (!response.ok) throw new Error(`The sink answered ${response.status}.`);
}
