import type { TableModel } from '../schema/table-model.ts';
import { isReference, type Value } from '../schema/values.ts';
import { baseCurrencyId } from '../store/seed-rows.ts';
import type { Database } from '../store/database.ts';

/** Fills in the currency, its rate, and the amounts in the base currency. */
export function setBaseAmounts(database: Database, model: TableModel, values: Value[]): void {
  const ordinalOf = (name: string): number => model.columnsByName.get(name)?.ordinal ?? -1;
  const currencyOrdinal = ordinalOf('transactioncurrencyid');
  const hasAmount = model.moneyColumns.some(({ column }) => (values[column.ordinal] ?? null) !== null);
  if (hasAmount) values[currencyOrdinal] ??= { id: baseCurrencyId, table: 'transactioncurrency' };
  const currency = values[currencyOrdinal];
  const rate = isReference(currency) ? rateOf(database, currency.id) : null;
  values[ordinalOf('exchangerate')] = rate;
  for (const { column, base } of model.moneyColumns) {
    const amount = values[column.ordinal];
    values[base.ordinal] =
      (typeof amount === 'number' || typeof amount === 'string') && rate !== null
        ? Math.round((Number(amount) / rate) * 10_000) / 10_000
        : null;
  }
}

function rateOf(database: Database, id: string): number | null {
  const currencies = database.table('transactioncurrency');
  const ordinal = currencies?.model.columnsByName.get('exchangerate')?.ordinal ?? -1;
  const rate = currencies?.get(id)?.values[ordinal];
  return typeof rate === 'number' && rate > 0 ? rate : null;
}
