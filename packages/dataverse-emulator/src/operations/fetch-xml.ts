import { errorCodes, invalidRequest, ODataError } from '../errors.ts';
import type { FilterProperty } from '../odata/filter.ts';
import { appliedPreferences } from '../odata/preferences.ts';
import { formatPagingCookie, parsePagingCookie } from '../odata/page-cookie.ts';
import { parseXml, type XmlElement } from '../odata/xml.ts';
import type { Column, TableModel } from '../schema/table-model.ts';
import type { Row, TableStore } from '../store/table-store.ts';
import { compileConditions, type ConditionGroup } from '../rows/conditions.ts';
import {
  apiRoot,
  jsonResponse,
  readWork,
  type ApiRequest,
  type ApiResponse,
  type Environment,
  type Plan,
} from './operation.ts';
import { unknownProperty } from '../rows/projection.ts';
import { rowToJson } from '../rows/read-row.ts';
import { countRows, limitedCount, maxPageSize } from './retrieve-multiple.ts';
import { rowProperty, selectRows, type Order, type RowFilter } from '../rows/row-query.ts';

interface FetchQuery {
  readonly columns: readonly Column[];
  readonly order: readonly Order[];
  readonly filter: RowFilter;
  readonly top: number | undefined;
  readonly page: number;
  readonly count: number;
  readonly cookie: string | undefined;
}

/**
 * `GET /{set}?fetchXml=...` on one table: attributes, filter, order, top, and paging by number or cookie.
 * learn.microsoft.com/power-apps/developer/data-platform/fetchxml/overview
 */
export function fetchXml(environment: Environment, request: ApiRequest, store: TableStore): Plan {
  const fetch = parseXml(request.path.query.get('fetchXml') ?? '');
  const query = parseFetch(environment, store, fetch);
  return { work: readWork, execute: () => page(environment, request, store, query) };
}

function parseFetch(environment: Environment, store: TableStore, fetch: XmlElement): FetchQuery {
  const { model } = store;
  const [entity] = fetch.children;
  if (fetch.name !== 'fetch' || entity?.name !== 'entity')
    throw invalidRequest('A fetch element with an entity is expected.');
  const name = entity.attributes.get('name') ?? '';
  if (name !== model.logicalName) {
    throw invalidRequest(`The entity '${name}' of the query is not the one of the set ${model.entitySetName}.`);
  }
  for (const { name: child } of entity.children) assertSupported(child);
  if (fetch.attributes.get('aggregate') === 'true') throw notImplemented('aggregate');
  const conditions: ConditionGroup = {
    operator: 'and',
    conditions: [],
    groups: entity.children.filter((child) => child.name === 'filter').map(parseFilter),
  };
  const number = (attribute: string): number | undefined => {
    const text = fetch.attributes.get(attribute);
    if (text === undefined) return undefined;
    if (/^[1-9]\d*$/.test(text)) return Number(text);
    throw invalidRequest(`The attribute ${attribute} of fetch must be a positive whole number.`);
  };
  const top = number('top');
  if (top !== undefined && number('page') !== undefined)
    throw invalidRequest("'top' and 'page' cannot be used together.");
  return {
    columns: columnsOf(model, entity),
    order: entity.children.filter((child) => child.name === 'order').map((order) => parseOrder(model, order)),
    filter: {
      matches: compileConditions<Row>(conditions, (name) => fetchProperty(environment, model, name).read),
      candidates: undefined,
    },
    top,
    page: number('page') ?? 1,
    count: Math.min(number('count') ?? maxPageSize, environment.settings().pageSize),
    cookie: fetch.attributes.get('paging-cookie'),
  };
}

const notImplemented = (what: string): ODataError =>
  new ODataError(501, errorCodes.notImplemented, `FetchXML: '${what}' is not implemented.`);

function assertSupported(name: string): void {
  if (!['attribute', 'all-attributes', 'filter', 'order', 'no-attrs'].includes(name)) throw notImplemented(name);
}

/** FetchXML names lookups by their logical name. */
function fetchProperty({ database }: Environment, model: TableModel, name: string): FilterProperty<Row> {
  return rowProperty(database, model, model.columnsByName.get(name)?.property ?? name);
}

function columnsOf(model: TableModel, entity: XmlElement): readonly Column[] {
  if (entity.children.some(({ name }) => name === 'all-attributes')) return model.columns;
  return entity.children
    .filter(({ name }) => name === 'attribute')
    .flatMap(({ attributes }) => {
      const name = attributes.get('name') ?? '';
      if (name === model.definition.primaryIdColumn) return [];
      const column = model.columnsByName.get(name);
      if (column === undefined) throw unknownProperty(model, name);
      return [column];
    });
}

function parseOrder(model: TableModel, { attributes }: XmlElement): Order {
  const name = attributes.get('attribute') ?? '';
  const property = name === model.definition.primaryIdColumn ? name : model.columnsByName.get(name)?.property;
  if (property === undefined) throw unknownProperty(model, name);
  return { name: property, isDescending: attributes.get('descending') === 'true' };
}

function parseFilter({ attributes, children }: XmlElement): ConditionGroup {
  return {
    operator: attributes.get('type') === 'or' ? 'or' : 'and',
    conditions: children
      .filter(({ name }) => name === 'condition')
      .map((condition) => {
        const value = condition.attributes.get('value');
        return {
          column: condition.attributes.get('attribute') ?? '',
          operator: (condition.attributes.get('operator') ?? '').replace(/^neq$/, 'ne'),
          values: value === undefined ? condition.children.map(({ text }) => text) : [value],
        };
      }),
    groups: children.filter(({ name }) => name === 'filter').map(parseFilter),
  };
}

function page(environment: Environment, request: ApiRequest, store: TableStore, query: FetchQuery): ApiResponse {
  const { database } = environment;
  const { model } = store;
  const { filter, order, top, count } = query;
  const after = query.cookie === undefined ? undefined : parsePagingCookie(query.cookie, query.page);
  // Without a cookie the pages before are read again and thrown away, as the service does.
  const skipped = after === undefined ? (query.page - 1) * count : 0;
  const size = top ?? count;
  const rows = selectRows(database, store, { filter, order, after, limit: skipped + size + 1 }).slice(skipped);
  const shown = rows.slice(0, size);
  const last = shown.at(-1);
  const hasMore = top === undefined && rows.length > size;
  const withAnnotations = request.preferences.annotations !== undefined;
  const names = query.columns.map(({ property }) => property).join(',');
  const json: Record<string, unknown> = {
    '@odata.context': `${apiRoot(environment, request)}/$metadata#${model.entitySetName}(${names})`,
  };
  if (withAnnotations) {
    const total = countRows(store, filter);
    json['@Microsoft.Dynamics.CRM.totalrecordcount'] = -1;
    json['@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded'] = total > limitedCount(environment, total);
    json['@Microsoft.Dynamics.CRM.morerecords'] = hasMore;
    if (hasMore && last !== undefined) {
      json['@Microsoft.Dynamics.CRM.fetchxmlpagingcookie'] = formatPagingCookie({
        pageNumber: query.page + 1,
        orderValues: order.map(({ name }) => rowProperty(database, model, name).read(last)),
        lastId: store.keyOf(last),
      });
    }
  }
  const value = shown.map((row) => rowToJson(model, row, { columns: query.columns, withAnnotations }));
  return jsonResponse(200, { ...json, value }, appliedPreferences(request.preferences));
}
