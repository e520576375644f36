import { errorCodes, ODataError } from '../errors.ts';
import { isReference, type Value } from '../schema/values.ts';
import type { TableStore } from '../store/table-store.ts';
import type { Environment } from '../operations/operation.ts';

const comparable = (value: Value | undefined): unknown =>
  typeof value === 'string' ? value.toLowerCase() : isReference(value) ? value.id : (value ?? null);

/**
 * Throws 412 when another row has the same values in the columns of a rule. Rows with an empty column are no duplicates.
 * learn.microsoft.com/power-apps/developer/data-platform/webapi/manage-duplicate-detection-create-update
 */
export function assertNoDuplicate(
  environment: Environment,
  store: TableStore,
  id: string,
  values: readonly Value[],
): void {
  const rules = environment.settings().duplicateRules.filter(({ table }) => table === store.model.logicalName);
  for (const { columns } of rules) {
    const ordinals = columns.flatMap((name) => store.model.columnsByName.get(name)?.ordinal ?? []);
    const wanted = ordinals.map((ordinal) => comparable(values[ordinal]));
    if (wanted.includes(null)) continue;
    for (const row of store.rows()) {
      if (row.id === id) continue;
      if (ordinals.every((ordinal, index) => comparable(row.values[ordinal]) === wanted[index])) throw duplicate();
    }
  }
}

function duplicate(): ODataError {
  return new ODataError(
    412,
    errorCodes.duplicatesDetected,
    'A record was not created or updated because a duplicate of the current record already exists.',
  );
}
