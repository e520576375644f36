import { FaultRuleError, parseFaultRule } from '../faults/fault-rules.ts';
import { rowToJson } from '../rows/read-row.ts';
import { SettingsPatchError } from '../settings/patch-settings.ts';
import { isJsonObject } from '../basics/json.ts';
import { hashTable } from '../store/table-hash.ts';
import type { TableStore } from '../store/table-store.ts';
import type { Emulator } from '../emulator.ts';

export interface ControlResponse {
  readonly status: number;
  readonly contentType: string;
  readonly body: string | Iterable<string>;
}

const maxJournalPage = 100_000;
const rowsPerChunk = 1000;

const json = (status: number, value: unknown): ControlResponse => ({
  status,
  contentType: 'application/json',
  body: `${JSON.stringify(value)}\n`,
});
const jsonLines = (body: Iterable<string>): ControlResponse => ({
  status: 200,
  contentType: 'application/x-ndjson',
  body,
});
const problem = (status: number, message: string, faults?: readonly string[]): ControlResponse =>
  json(status, { error: message, ...(faults !== undefined && { faults }) });

/** What tests need beside the Dataverse surface, under `/_emulator/`: not authenticated, not limited, not counted. */
export function handleControl(emulator: Emulator, method: string, url: URL, body: string): ControlResponse {
  const [, , resource = '', ...rest] = url.pathname.split('/');
  try {
    switch (`${method} ${resource}`) {
      case 'GET ':
        return json(200, { profile: emulator.settings().profile, url: emulator.url });
      case 'GET counters':
        return json(200, emulator.counters());
      case 'GET journal':
        return readJournal(emulator, url);
      case 'GET plugins':
        return jsonLines(emulator.pluginCalls().map((call) => `${JSON.stringify(call)}\n`));
      case 'GET tables':
        return readTable(emulator, rest, url);
      case 'GET settings':
        return json(200, emulator.settings());
      case 'PATCH settings':
        return patchSettings(emulator, body);
      case 'POST reset':
        return reset(emulator, body);
      case 'GET faults':
        return json(200, { rules: emulator.faults.list() });
      case 'POST faults':
        return addFaults(emulator, body);
      case 'DELETE faults':
        emulator.faults.clear();
        return json(200, { rules: [] });
      case 'POST tokens':
        emulator.revokeTokens();
        return json(200, {});
      default:
        return problem(404, `There is no ${method} ${url.pathname}.`);
    }
  } catch (error) {
    if (error instanceof SettingsPatchError) return problem(400, error.message, error.faults);
    if (error instanceof FaultRuleError || error instanceof SyntaxError) return problem(400, error.message);
    throw error;
  }
}

function whole(url: URL, name: string, fallback: number): number {
  const value = Number(url.searchParams.get(name) ?? fallback);
  return Number.isInteger(value) && value >= 0 ? value : fallback;
}

function readJournal(emulator: Emulator, url: URL): ControlResponse {
  const limit = Math.min(whole(url, 'limit', 1000), maxJournalPage);
  const entries = emulator.journal.entriesAfter(whole(url, 'after', 0), limit);
  return jsonLines(entries.map((entry) => `${JSON.stringify(entry)}\n`));
}

function readTable(emulator: Emulator, [logicalName = '', view]: readonly string[], url: URL): ControlResponse {
  const store = emulator.database.table(logicalName);
  if (store === undefined) return problem(404, `There is no table ${logicalName}.`);
  const columns = url.searchParams.get('columns')?.split(',');
  switch (view) {
    case 'count':
      return json(200, { count: store.count });
    case 'hash':
      return json(200, { count: store.count, hash: hashTable(store, columns) });
    case 'rows':
      return jsonLines(rowLines(store, columns));
    default:
      return problem(404, 'A table has count, hash and rows.');
  }
}

/** Many rows per chunk: one small write per row would cost more than the rows. */
function* rowLines(store: TableStore, names: readonly string[] | undefined): Generator<string> {
  const { model } = store;
  const columns = names === undefined ? model.columns : names.flatMap((name) => model.columnsByName.get(name) ?? []);
  let lines: string[] = [];
  for (const key of [...store.sortedIds()]) {
    const row = store.getByKey(key);
    if (row !== undefined) lines.push(JSON.stringify(rowToJson(model, row, { columns, withAnnotations: false })));
    if (lines.length < rowsPerChunk) continue;
    yield `${lines.join('\n')}\n`;
    lines = [];
  }
  if (lines.length > 0) yield `${lines.join('\n')}\n`;
}

function patchSettings(emulator: Emulator, body: string): ControlResponse {
  const patch: unknown = JSON.parse(body);
  if (!isJsonObject(patch)) return problem(400, 'Settings are changed with an object.');
  emulator.changeSettings(patch);
  return json(200, emulator.settings());
}

function reset(emulator: Emulator, body: string): ControlResponse {
  const what: unknown = body.trim() === '' ? { rows: true, counters: true } : JSON.parse(body);
  if (!isJsonObject(what)) return problem(400, 'A reset names what to reset: {"rows": true, "counters": true}.');
  emulator.reset({ rows: what['rows'] === true, counters: what['counters'] === true });
  return json(200, {});
}

function addFaults(emulator: Emulator, body: string): ControlResponse {
  const parsed: unknown = JSON.parse(body);
  const rules = (Array.isArray(parsed) ? parsed : [parsed]).map(parseFaultRule);
  for (const rule of rules) emulator.faults.add(rule);
  return json(201, { rules: emulator.faults.list() });
}
