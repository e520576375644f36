import { assertPrivileges } from '../auth/privileges.ts';
import { assertContextFits, pluginMs, stubsOf } from '../plugins/plugin-pipeline.ts';
import { errorCodes, ODataError, resourceNotFound } from '../errors.ts';
import { parseRowAddress, type RowAddress } from '../odata/row-address.ts';
import type { Segment } from '../odata/resource-path.ts';
import type { TableStore } from '../store/table-store.ts';
import { bulkDelete } from './bulk-delete.ts';
import { changeCollection } from './change-collection.ts';
import { count } from './count-rows.ts';
import { createMultiple } from './create-multiple.ts';
import { create } from './create.ts';
import { deleteMultiple } from './delete-multiple.ts';
import { deleteRow } from './delete.ts';
import { entityDefinitions } from './entity-definitions.ts';
import { metadataDocument } from './metadata-document.ts';
import { messageFilters } from './message-filters.ts';
import { jsonResponse, readWork, apiRoot, type ApiRequest, type Environment, type Plan } from './operation.ts';
import { changeReference } from './reference.ts';
import { retrieveCurrentOrganization } from './retrieve-current-organization.ts';
import { retrieveMultiple } from './retrieve-multiple.ts';
import { retrieveTotalRecordCount } from './retrieve-total-record-count.ts';
import { retrieveVersion } from './retrieve-version.ts';
import { retrieve } from './retrieve.ts';
import { readColumn, writeColumn } from './single-column.ts';
import { updateMultiple } from './update-multiple.ts';
import { update } from './update.ts';
import { upsertMultiple } from './upsert-multiple.ts';
import { whoAmI } from './who-am-i.ts';

type Handler = (environment: Environment, request: ApiRequest, argument: string) => Plan;

/** Functions and sets that are no tables, by the first segment of the path. All are read with GET. */
const unbound: Readonly<Record<string, Handler>> = {
  WhoAmI: whoAmI,
  RetrieveVersion: retrieveVersion,
  RetrieveCurrentOrganization: retrieveCurrentOrganization,
  RetrieveTotalRecordCount: retrieveTotalRecordCount,
  EntityDefinitions: entityDefinitions,
  sdkmessagefilters: messageFilters,
  $metadata: metadataDocument,
};

const bulkMessages: Readonly<
  Record<string, (environment: Environment, request: ApiRequest, store: TableStore) => Plan>
> = {
  CreateMultiple: createMultiple,
  UpdateMultiple: updateMultiple,
  UpsertMultiple: upsertMultiple,
  DeleteMultiple: deleteMultiple,
};

/** Finds the operation a request names. Throws `ODataError` 404 for unknown resources, 405 for methods they do not take. */
export function route(environment: Environment, request: ApiRequest): Plan {
  const [first, ...rest] = request.path.segments;
  if (first === undefined) return serviceDocument(environment, request);
  const handler = Object.hasOwn(unbound, first.name) ? unbound[first.name] : undefined;
  if (first.name === 'BulkDelete' && rest.length === 0) {
    assertMethod(request, ['POST']);
    return bulkDelete(environment, request);
  }
  if (handler !== undefined) {
    assertMethod(request, ['GET']);
    return handler(environment, request, first.argument ?? '');
  }
  const store = environment.database.tableBySet(first.name);
  if (store === undefined) throw unknownResource(environment, request, first);
  if (store.model.isElastic) store.expire(environment.clock.now());
  return withPlugins(environment, request, store, routeTable(environment, request, store, first, rest));
}

/** Adds the time that plug-ins take, which is part of the request's execution. */
function withPlugins(environment: Environment, request: ApiRequest, { model }: TableStore, plan: Plan): Plan {
  if (!plan.work.isWrite || environment.settings().plugins.length === 0) return plan;
  const stubs = stubsOf(environment, model, request.headers);
  assertContextFits(environment, stubs, request.body);
  return { ...plan, work: { ...plan.work, extraMs: pluginMs(stubs, plan.work.rows) } };
}

function routeTable(
  environment: Environment,
  request: ApiRequest,
  store: TableStore,
  first: Segment,
  rest: readonly Segment[],
): Plan {
  if (first.argument === undefined) return routeSet(environment, request, store, rest);
  assertPrivileges(request.caller, store.model, rowAction(request, rest));
  const address = parseRowAddress(store.model, first.argument, 'url');
  return rest.length === 0
    ? routeRow(environment, request, store, address)
    : routeMember({ environment, request, store, address, rest });
}

/** What a request to a row does, as a method: clearing a column or a reference writes, an update with If-Match creates nothing. */
function rowAction({ method, headers }: ApiRequest, rest: readonly Segment[]): string {
  if (rest.length > 0) return method === 'GET' ? 'GET' : 'PUT';
  if (method !== 'PATCH' && method !== 'PUT') return method;
  return headers['if-match'] === undefined ? 'PATCH' : 'PUT';
}

function unknownResource(environment: Environment, request: ApiRequest, segment: Segment): ODataError {
  if (segment.argument === '') {
    return new ODataError(
      404,
      '',
      `No HTTP resource was found that matches the request URI '${apiRoot(environment, request)}/${segment.name}()'.`,
    );
  }
  return resourceNotFound(segment.name);
}

function methodNotAllowed(request: ApiRequest): ODataError {
  return new ODataError(
    405,
    errorCodes.urlNotParsed,
    `The requested resource does not support http method '${request.method}'.`,
  );
}

function assertMethod(request: ApiRequest, allowed: readonly string[]): void {
  if (!allowed.includes(request.method)) throw methodNotAllowed(request);
}

function routeSet(environment: Environment, request: ApiRequest, store: TableStore, rest: readonly Segment[]): Plan {
  const [member, ...more] = rest;
  if (member === undefined) {
    assertMethod(request, ['GET', 'POST']);
    assertPrivileges(request.caller, store.model, request.method);
    return request.method === 'GET'
      ? retrieveMultiple(environment, request, store)
      : create(environment, request, store);
  }
  if (member.name === '$count' && more.length === 0) {
    assertMethod(request, ['GET']);
    assertPrivileges(request.caller, store.model, 'GET');
    return count(environment, request, store);
  }
  const message = /^Microsoft\.Dynamics\.CRM\.(\w+)$/.exec(member.name)?.[1] ?? '';
  const bulk = Object.hasOwn(bulkMessages, message) ? bulkMessages[message] : undefined;
  if (bulk === undefined || more.length > 0) throw resourceNotFound(member.name);
  assertMethod(request, ['POST']);
  assertPrivileges(request.caller, store.model, message);
  const plan = bulk(environment, request, store);
  return { ...plan, work: { ...plan.work, firstUse: `${store.model.logicalName} ${message}` } };
}

function routeRow(environment: Environment, request: ApiRequest, store: TableStore, address: RowAddress): Plan {
  const { query } = request.path;
  const partition = query.get('partitionId');
  const exact: RowAddress =
    address.kind === 'id' && partition !== undefined && store.model.isElastic ? { ...address, partition } : address;
  switch (request.method) {
    case 'GET':
      return retrieve(environment, request, store, exact);
    case 'PATCH':
    case 'PUT':
      return update(environment, request, store, address);
    case 'DELETE':
      return deleteRow(environment, request, store, exact);
    default:
      throw methodNotAllowed(request);
  }
}

function routeMember(options: {
  readonly environment: Environment;
  readonly request: ApiRequest;
  readonly store: TableStore;
  readonly address: RowAddress;
  readonly rest: readonly Segment[];
}): Plan {
  const { environment, request, store, address, rest } = options;
  const [member, last] = rest;
  const name = member?.name ?? '';
  const navigation = store.model.navigations.find((item) => item.name === name);
  if (navigation !== undefined && last?.name === '$ref') {
    assertMethod(request, ['PUT', 'DELETE']);
    return changeReference({ environment, request, store, address, navigation });
  }
  const collection = environment.database.collections(store.model.logicalName).get(name);
  if (collection !== undefined && last?.name === '$ref') {
    assertMethod(request, ['POST', 'DELETE']);
    return changeCollection({ environment, request, store, address, collection, member: member?.argument });
  }
  const column = store.model.columnsByProperty.get(name);
  if (column === undefined || rest.length > 1) throw resourceNotFound(last?.name ?? name);
  assertMethod(request, ['GET', 'PUT', 'DELETE']);
  const target = { environment, request, store, address, column };
  return request.method === 'GET' ? readColumn(target) : writeColumn(target);
}

function serviceDocument(environment: Environment, request: ApiRequest): Plan {
  return {
    work: readWork,
    execute: () => {
      const sets = [...environment.database.tables()].map(({ model }) => model.entitySetName);
      return jsonResponse(200, {
        '@odata.context': `${apiRoot(environment, request)}/$metadata`,
        value: sets.map((name) => ({ name, kind: 'EntitySet', url: name })),
      });
    },
  };
}
