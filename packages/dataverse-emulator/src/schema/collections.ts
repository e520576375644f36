import { relationshipName } from './relationships.ts';
import type { Navigation, TableModel } from './table-model.ts';

/** A lookup seen from the table it points at: `account.contact_customer_accounts`. */
export interface Collection {
  readonly name: string;
  /** Logical name of the table whose rows are in the collection. */
  readonly table: string;
  readonly navigation: Navigation;
}

/** By logical name of the table that has them, then by name. */
export function collectionsOf(models: readonly TableModel[]): ReadonlyMap<string, ReadonlyMap<string, Collection>> {
  const byTable = new Map(models.map(({ logicalName }) => [logicalName, new Map<string, Collection>()]));
  for (const model of models) {
    for (const navigation of model.navigations) {
      for (const target of navigation.targets) {
        const name = relationshipName(model.logicalName, navigation, target);
        byTable.get(target)?.set(name, { name, table: model.logicalName, navigation });
      }
    }
  }
  return byTable;
}
