import type { TableStore } from '../store/table-store.ts';
import { readWork, type ApiRequest, type Environment, type Plan } from './operation.ts';
import { countRows, limitedCount } from './retrieve-multiple.ts';
import { rowFilter } from '../rows/row-query.ts';
import { countChanges } from '../rows/changes.ts';
import { deltaVersion } from './track-changes.ts';

/** `GET /{set}/$count`: a plain number, limited like `$count=true`; with a delta token, how many changes. */
export function count(environment: Environment, request: ApiRequest, store: TableStore): Plan {
  return {
    work: readWork,
    execute: () => {
      const token = request.path.query.get('$deltatoken');
      const rows =
        token === undefined
          ? countRows(store, rowFilter(environment.database, store, request.path.query))
          : countChanges(store, deltaVersion(environment, token));
      return { status: 200, headers: { 'Content-Type': 'text/plain' }, body: String(limitedCount(environment, rows)) };
    },
  };
}
