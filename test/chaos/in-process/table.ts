import { idOf } from './input.ts';
import type { Scenario } from './scenario.ts';
import type { World } from './world.ts';

/** What a test reads from and writes to the emulator's table behind the Web API. */
export interface ServerRow {
  readonly id: string;
  readonly key: string;
  readonly value: string;
}

function storeOf({ emulator }: World, { table }: Scenario) {
  const store = emulator.database.table(table.name);
  if (store === undefined) throw new Error(`The emulator has no table ${table.name}.`);
  return store;
}

/** Rows with these keys and a name of their own are there before the run. */
export function seedTable(world: World, scenario: Scenario, atMs: number): void {
  const store = storeOf(world, scenario);
  const transaction = world.emulator.database.begin();
  const { columnsByName, columns } = store.model;
  const toldMs = atMs + world.emulator.settings().clockSkewSeconds * 1_000;
  for (const key of scenario.before) {
    const values = columns.map(() => null) as (string | number | null)[];
    const set = (name: string, value: string | number): void => {
      const column = columnsByName.get(name);
      if (column !== undefined) values[column.ordinal] = value;
    };
    set('fan_geonameid', key);
    set('fan_name', `Before ${key}`);
    set('createdon', '2025-01-01T00:00:00Z');
    // Somebody has changed it just before the run, by the environment's own clock.
    set('modifiedon', `${new Date(toldMs - 30_000).toISOString().slice(0, 19)}Z`);
    transaction.insert(store, idOf(key), values);
  }
  transaction.commit({ requestId: 'seed', user: 'seed', atMs });
}

/** Somebody else changes every n-th row; answers their ids. */
export function changeRows(world: World, scenario: Scenario, every: number, atMs: number): ReadonlySet<string> {
  const store = storeOf(world, scenario);
  const transaction = world.emulator.database.begin();
  const changed = [...store.rows()].filter((_, at) => at % every === 0);
  const modified = store.model.columnsByName.get('modifiedon')?.ordinal ?? -1;
  for (const row of changed) {
    const values = row.values.slice();
    values[modified] = `${new Date(atMs).toISOString().slice(0, 19)}Z`;
    transaction.update(store, row, values);
  }
  transaction.commit({ requestId: 'stranger', user: 'stranger', atMs });
  return new Set(changed.map(({ id }) => id));
}

export function serverRows(world: World, scenario: Scenario): readonly ServerRow[] {
  const store = storeOf(world, scenario);
  const ordinal = (name: string): number => store.model.columnsByName.get(name)?.ordinal ?? -1;
  const textOf = (value: unknown): string =>
    typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  return [...store.rows()].map(({ id, values }) => ({
    id,
    key: textOf(values[ordinal('fan_geonameid')]),
    value: textOf(values[ordinal('fan_name')]),
  }));
}
