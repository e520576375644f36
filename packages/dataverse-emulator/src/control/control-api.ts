import { FaultRuleError, parseFaultRule } from '../faults/fault-rules.ts';
import { rowToJson } from '../rows/read-row.ts';
import { SettingsPatchError } from '../settings/patch-settings.ts';
import type { Clock, VirtualClock } from '../basics/clock.ts';
import { isJsonObject } from '../basics/json.ts';
import { hashTable } from '../store/table-hash.ts';
import type { TableStore } from '../store/table-store.ts';
import type { Emulator } from '../emulator.ts';

export interface ControlResponse {
  readonly status: number;
  readonly contentType: string;
  readonly body: string | Iterable<string>;
}

const defaultJournalPage = 1000;
const linesPerChunk = 1000;

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

/** A request that cannot be obeyed; the message names what is wrong. */
class ControlError extends Error {}

/** What tests need beside the Dataverse surface, under `/_emulator/`: not authenticated, not limited, not counted. */
export async function handleControl(
  emulator: Emulator,
  method: string,
  url: URL,
  body: string,
): Promise<ControlResponse> {
  try {
    return await answer(emulator, method, url, body);
  } catch (error) {
    if (error instanceof SettingsPatchError) return problem(400, error.message, error.faults);
    const isCallersFault =
      error instanceof ControlError || error instanceof FaultRuleError || error instanceof SyntaxError;
    if (isCallersFault) return problem(400, error.message);
    throw error;
  }
}

async function answer(emulator: Emulator, method: string, url: URL, body: string): Promise<ControlResponse> {
  const [, , resource = '', ...rest] = url.pathname.split('/');
  switch (`${method} ${resource}`) {
    case 'GET ':
      return json(200, { profile: emulator.settings().profile, url: emulator.url });
    case 'GET counters':
      return json(200, emulator.counters());
    case 'GET journal':
      return readJournal(emulator, url);
    case 'GET plugins':
      return jsonLines(chunked(emulator.pluginCalls()));
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
    case 'GET clock':
      return readClock(emulator);
    case 'POST clock':
      return advanceClock(emulator, body);
    default:
      return problem(404, `There is no ${method} ${url.pathname}.`);
  }
}

function whole(url: URL, name: string, fallback: number): number {
  const text = url.searchParams.get(name);
  if (text === null) return fallback;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new ControlError(`${name} must be a whole number of at least 0, not '${text}'.`);
}

function readJournal(emulator: Emulator, url: URL): ControlResponse {
  const limit = whole(url, 'limit', defaultJournalPage);
  return jsonLines(chunked(emulator.journal.entriesAfter(whole(url, 'after', 0), limit)));
}

/** Many lines per chunk: one small write per line would cost more than the line. */
function* chunked(items: Iterable<unknown>): Generator<string> {
  let lines: string[] = [];
  for (const item of items) {
    lines.push(JSON.stringify(item));
    if (lines.length < linesPerChunk) continue;
    yield `${lines.join('\n')}\n`;
    lines = [];
  }
  if (lines.length > 0) yield `${lines.join('\n')}\n`;
}

function readTable(emulator: Emulator, [logicalName = '', view]: readonly string[], url: URL): ControlResponse {
  const store = emulator.database.table(logicalName);
  if (store === undefined) return problem(404, `There is no table ${logicalName}.`);
  const columns = columnsOf(store, url);
  switch (view) {
    case 'count':
      return json(200, { count: store.count });
    case 'hash':
      return json(200, { count: store.count, hash: hashTable(store, columns) });
    case 'rows':
      return jsonLines(chunked(shownRows(store, columns)));
    default:
      return problem(404, 'A table has count, hash and rows.');
  }
}

function columnsOf({ model }: TableStore, url: URL): readonly string[] | undefined {
  const names = url.searchParams.get('columns')?.split(',');
  const unknown = names?.find((name) => name !== model.definition.primaryIdColumn && !model.columnsByName.has(name));
  if (unknown !== undefined) throw new ControlError(`The table ${model.logicalName} has no column '${unknown}'.`);
  return names;
}

function* shownRows(store: TableStore, names: readonly string[] | undefined): Generator {
  const { model } = store;
  const columns = names === undefined ? model.columns : names.flatMap((name) => model.columnsByName.get(name) ?? []);
  for (const key of [...store.sortedIds()]) {
    const row = store.getByKey(key);
    if (row !== undefined) yield rowToJson(model, row, { columns, withAnnotations: false });
  }
}

function patchSettings(emulator: Emulator, body: string): ControlResponse {
  const patch: unknown = JSON.parse(body);
  if (!isJsonObject(patch)) return problem(400, 'Settings are changed with an object.');
  emulator.changeSettings(patch);
  return json(200, emulator.settings());
}

const resettable = ['rows', 'counters', 'limits'];

function reset(emulator: Emulator, body: string): ControlResponse {
  const what: unknown = body.trim() === '' ? { rows: true, counters: true } : JSON.parse(body);
  const isClear =
    isJsonObject(what) &&
    Object.entries(what).every(([name, value]) => resettable.includes(name) && typeof value === 'boolean');
  if (!isClear)
    throw new ControlError('A reset names what to reset: {"rows": true, "counters": true, "limits": true}.');
  emulator.reset({ rows: what['rows'] === true, counters: what['counters'] === true, limits: what['limits'] === true });
  return json(200, {});
}

function readClock({ clock }: Emulator): ControlResponse {
  return json(200, { now: new Date(clock.now()).toISOString(), nowMs: clock.now(), isVirtual: 'advance' in clock });
}

async function advanceClock(emulator: Emulator, body: string): Promise<ControlResponse> {
  const what: unknown = JSON.parse(body);
  const ms = isJsonObject(what) ? what['advanceMs'] : undefined;
  if (typeof ms !== 'number' || !(ms >= 0)) {
    throw new ControlError('Time is moved by a number of milliseconds of at least 0: {"advanceMs": 60000}.');
  }
  if (!isVirtual(emulator.clock)) {
    throw new ControlError('The clock of this emulator moves by itself; start it with --clock virtual.');
  }
  await emulator.clock.advance(ms);
  return readClock(emulator);
}

const isVirtual = (clock: Clock): clock is VirtualClock => 'advance' in clock;

function addFaults(emulator: Emulator, body: string): ControlResponse {
  const parsed: unknown = JSON.parse(body);
  const rules = (Array.isArray(parsed) ? parsed : [parsed]).map(parseFaultRule);
  for (const rule of rules) emulator.faults.add(rule);
  return json(201, { rules: emulator.faults.list() });
}
