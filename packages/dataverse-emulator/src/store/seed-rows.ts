import { systemUserIdOf } from '../auth/authenticate.ts';
import type { Value } from '../schema/values.ts';
import type { ApplicationUserSetting } from '../settings/settings.ts';
import { guidOf } from '../basics/guid.ts';
import type { Database } from './database.ts';

/** The organization's base currency; the other currencies' rates say what one unit of it is worth in them. */
export const baseCurrencyId = guidOf('currency USD');
export const businessUnitId = guidOf('root business unit');

/** The rows an environment has before anybody writes: business unit, currencies, and a user per application user. */
export function seedRows(database: Database, users: readonly ApplicationUserSetting[], now: string): void {
  put(database, 'businessunit', businessUnitId, { name: 'Root', createdon: now, modifiedon: now });
  for (const [code, name, symbol, rate] of [['USD', 'US Dollar', '$', 1], ['EUR', 'Euro', '€', 0.8]] as const) {
    put(database, 'transactioncurrency', guidOf(`currency ${code}`), { isocurrencycode: code, currencyname: name, currencysymbol: symbol, exchangerate: rate });
  } // prettier-ignore
  seedUsers(database, users, now);
}

/** Keeps the rows of the application users in step with the settings. */
export function seedUsers(database: Database, users: readonly ApplicationUserSetting[], now: string): void {
  for (const { clientId, name, disabled } of users) {
    put(database, 'systemuser', systemUserIdOf(clientId), {
      fullname: name,
      applicationid: clientId,
      azureactivedirectoryobjectid: guidOf(`object of ${clientId}`),
      isdisabled: disabled,
      businessunitid: { id: businessUnitId, table: 'businessunit' },
      createdon: now,
      modifiedon: now,
    });
  }
}

function put(database: Database, table: string, id: string, members: Readonly<Record<string, Value>>): void {
  const store = database.table(table);
  if (store === undefined) return;
  const defaults: Readonly<Record<string, Value>> = { statecode: 0, statuscode: 1 };
  const values = store.model.columns.map(({ name }) => members[name] ?? defaults[name] ?? null);
  database.restore(store, { id, version: database.version, values });
}
