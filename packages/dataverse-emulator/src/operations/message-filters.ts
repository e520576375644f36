import { compileFilter } from '../odata/filter.ts';
import { guidOf } from '../basics/guid.ts';
import type { TableStore } from '../store/table-store.ts';
import { apiRoot, jsonResponse, readWork, type ApiRequest, type Environment, type Plan } from './operation.ts';

/** UpsertMultiple has no filter of its own: it is there where CreateMultiple and UpdateMultiple are. */
const messages = ['Create', 'Update', 'Delete', 'CreateMultiple', 'UpdateMultiple', 'DeleteMultiple'];

/** Whether a table has a bulk message: learn.microsoft.com/power-apps/developer/data-platform/bulk-operations */
export function messageFilters(environment: Environment, request: ApiRequest): Plan {
  return {
    work: readWork,
    execute: () => {
      const { query } = request.path;
      const all = [...environment.database.tables()].flatMap((store) => filtersOf(environment, store));
      const text = query.get('$filter');
      const matches = text === undefined ? () => true : compileFilter<MessageFilter>(text, query, readFilter);
      const value = all.filter(matches).map(({ id }) => ({ '@odata.etag': 'W/"2009110"', sdkmessagefilterid: id }));
      const context = `${apiRoot(environment, request)}/$metadata#sdkmessagefilters(sdkmessagefilterid)`;
      return jsonResponse(200, { '@odata.context': context, value });
    },
  };
}

interface MessageFilter {
  readonly id: string;
  readonly message: string;
  readonly table: string;
}

function filtersOf(environment: Environment, { model }: TableStore): readonly MessageFilter[] {
  const missing = environment.settings().missingMessages[model.logicalName] ?? [];
  return messages
    .filter((message) => !missing.includes(message) && (message !== 'DeleteMultiple' || model.isElastic))
    .map((message) => ({ id: guidOf(`filter ${message} ${model.logicalName}`), message, table: model.logicalName }));
}

function readFilter(filter: MessageFilter, path: string): string | null {
  if (path === 'sdkmessageid/name') return filter.message;
  if (path === 'primaryobjecttypecode') return filter.table;
  return path === 'sdkmessagefilterid' ? filter.id : null;
}
