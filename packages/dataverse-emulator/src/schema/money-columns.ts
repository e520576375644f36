import type { ColumnDefinition, TableDefinition } from './definitions.ts';

/**
 * What a table gets by having a Money column: the currency, its rate, and each amount in the organization's base currency.
 * learn.microsoft.com/power-apps/developer/data-platform/transaction-currency-currency-entity
 */
export function moneyColumns({ columns }: TableDefinition): readonly ColumnDefinition[] {
  const amounts = columns.filter(({ type }) => type === 'Money');
  if (amounts.length === 0) return [];
  const all: readonly ColumnDefinition[] = [
    ...amounts.map(({ logicalName, schemaName, precision }): ColumnDefinition => ({
      logicalName: `${logicalName}_base`,
      schemaName: `${schemaName}_Base`,
      type: 'Money',
      ...(precision !== undefined && { precision }),
      readOnly: true,
    })),
    {
      logicalName: 'transactioncurrencyid',
      schemaName: 'TransactionCurrencyId',
      type: 'Lookup',
      targets: ['transactioncurrency'],
      navigationProperty: 'transactioncurrencyid',
    },
    { logicalName: 'exchangerate', schemaName: 'ExchangeRate', type: 'Decimal', precision: 10, readOnly: true },
  ];
  const named = new Set(columns.map(({ logicalName }) => logicalName));
  return all.filter(({ logicalName }) => !named.has(logicalName));
}
