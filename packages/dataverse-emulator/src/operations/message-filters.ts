import { errorCodes, ODataError } from '../errors.ts';
import { compileFilter, untyped } from '../odata/filter.ts';
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
      const matches =
        text === undefined
          ? () => true
          : compileFilter<MessageFilter>(text, query, { property: (path) => untyped(filterReader(path)) });
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

function filterReader(path: string): (filter: MessageFilter) => string {
  if (path === 'sdkmessageid/name') return ({ message }) => message;
  if (path === 'primaryobjecttypecode') return ({ table }) => table;
  if (path === 'sdkmessagefilterid') return ({ id }) => id;
  throw new ODataError(
    400,
    errorCodes.urlNotParsed,
    `Could not find a property named '${path}' on type 'Microsoft.Dynamics.CRM.sdkmessagefilter'.`,
  );
}
