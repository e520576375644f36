import { errorCodes, invalidRequest, ODataError, resourceNotFound } from '../errors.ts';
import { compileFilter, untyped, type Scalar } from '../odata/filter.ts';
import { splitOutsideQuotes, type Segment } from '../odata/resource-path.ts';
import { buildMetadata, expandOnly, typedOnly, type MetadataObject, type TableMetadata } from '../schema/metadata.ts';
import type { TableModel } from '../schema/table-model.ts';
import { apiRoot, jsonResponse, readWork, type ApiRequest, type Environment, type Plan } from './operation.ts';

interface Shape {
  readonly select: ReadonlySet<string> | undefined;
  readonly expand: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

const cache = new WeakMap<TableModel, TableMetadata>();

function metadataOf({ database }: Environment, model: TableModel): TableMetadata {
  const known = cache.get(model);
  if (known !== undefined) return known;
  const built = buildMetadata(model, (name) => database.table(name)?.model.definition.primaryIdColumn ?? `${name}id`);
  cache.set(model, built);
  return built;
}

/**
 * `EntityDefinitions`, one of them, its `Attributes`, `Keys` and `ManyToOneRelationships`, and casts to typed columns:
 * learn.microsoft.com/power-apps/developer/data-platform/webapi/query-metadata-web-api
 */
export function entityDefinitions(environment: Environment, request: ApiRequest): Plan {
  return {
    work: readWork,
    execute: () => {
      const [first, ...rest] = request.path.segments;
      const context = (text: string): string => `${apiRoot(environment, request)}/$metadata#EntityDefinitions${text}`;
      if (first?.argument === undefined)
        return jsonResponse(200, { '@odata.context': context(''), value: listTables(environment, request) });
      const table = metadataOf(environment, findTable(environment, first));
      const { query } = request.path;
      const body = rest.length === 0 ? showTable(table, parseShape(query)) : showMember(table, rest, query);
      return jsonResponse(200, { '@odata.context': context('value' in body ? '' : '/$entity'), ...body });
    },
  };
}

function findTable(environment: Environment, { argument = '' }: Segment): TableModel {
  const name = /^LogicalName='([^']*)'$/.exec(argument)?.[1];
  for (const { model } of environment.database.tables()) {
    if (
      name === undefined
        ? metadataOf(environment, model).own['MetadataId'] === argument.toLowerCase()
        : model.logicalName === name
    )
      return model;
  }
  throw new ODataError(404, errorCodes.objectDoesNotExist, `Could not find an entity with name ${name ?? argument}.`);
}

function listTables(environment: Environment, request: ApiRequest): readonly MetadataObject[] {
  const shape = parseShape(request.path.query);
  return filtered(
    [...environment.database.tables()].map(({ model }) => metadataOf(environment, model)),
    request.path.query,
    ({ own }) => own,
  ).map((table) => showTable(table, shape));
}

function showTable(table: TableMetadata, { select, expand }: Shape): MetadataObject {
  const shown: Record<string, unknown> = { ...pick(table.own, select) };
  for (const [name, options] of expand) {
    const items = table.collections.get(name);
    if (items === undefined)
      throw invalidRequest(
        `Could not find a property named '${name}' on type 'Microsoft.Dynamics.CRM.EntityMetadata'.`,
      );
    shown[name] = showItems(items, options, undefined);
  }
  return shown;
}

/** A collection as `{value}`, or one item of it. */
function showMember(
  table: TableMetadata,
  [collection, ...rest]: readonly Segment[],
  query: ReadonlyMap<string, string>,
): MetadataObject {
  const items = table.collections.get(collection?.name ?? '');
  if (items === undefined) throw resourceNotFound(collection?.name ?? '');
  const cast = /^Microsoft\.Dynamics\.CRM\.(\w+)$/.exec(rest[0]?.name ?? '')?.[1];
  if (rest.length > (cast === undefined ? 0 : 1)) throw resourceNotFound(rest.at(-1)?.name ?? '');
  const type = `#Microsoft.Dynamics.CRM.${cast ?? ''}`;
  const ofType = cast === undefined ? items : items.filter((item) => item['@odata.type'] === type);
  if (collection?.argument === undefined) return { value: showItems(ofType, query, cast) };
  const item = findItem(ofType, collection.argument);
  const withoutFilter = new Map([...query].filter(([key]) => key !== '$filter'));
  return showItems([item], withoutFilter, cast)[0] ?? item;
}

function findItem(items: readonly MetadataObject[], argument: string): MetadataObject {
  const name = /^LogicalName='([^']*)'$/.exec(argument)?.[1];
  const item = items.find((candidate) => candidate['LogicalName'] === name || candidate['MetadataId'] === argument);
  if (item !== undefined) return item;
  throw new ODataError(
    404,
    errorCodes.objectDoesNotExist,
    `Could not find an attribute with name ${name ?? argument}.`,
  );
}

/** Typed members need a cast, and option sets need `$expand` besides. */
function showItems(
  items: readonly MetadataObject[],
  query: ReadonlyMap<string, string>,
  cast: string | undefined,
): readonly MetadataObject[] {
  const { select, expand } = parseShape(query);
  return filtered(items, query, (item) => item).map((item) => {
    const visible = Object.entries(item).filter(([name]) =>
      expandOnly.has(name) ? expand.has(name) && cast !== undefined : !typedOnly.has(name) || cast !== undefined,
    );
    return pick(Object.fromEntries(visible), select, new Set(expand.keys()));
  });
}

function pick(
  item: MetadataObject,
  select: ReadonlySet<string> | undefined,
  alsoKept: ReadonlySet<string> = new Set(),
): MetadataObject {
  if (select === undefined) return item;
  const isKept = (name: string): boolean =>
    select.has(name) || alsoKept.has(name) || name === 'MetadataId' || name === '@odata.type';
  return Object.fromEntries(Object.entries(item).filter(([name]) => isKept(name)));
}

function parseShape(query: ReadonlyMap<string, string>): Shape {
  const select = query.get('$select');
  const expand = new Map<string, ReadonlyMap<string, string>>();
  for (const part of splitOutsideQuotes(query.get('$expand') ?? '', ',')) {
    if (part.trim() === '') continue;
    const open = part.indexOf('(');
    const name = (open < 0 ? part : part.slice(0, open)).trim();
    const options = open < 0 ? [] : splitOutsideQuotes(part.trim().slice(open + 1, -1), ';');
    expand.set(
      name,
      new Map(
        options.map((option) => {
          const equals = option.indexOf('=');
          return [option.slice(0, equals).trim(), option.slice(equals + 1)];
        }),
      ),
    );
  }
  return { select: select === undefined ? undefined : new Set(select.split(',').map((name) => name.trim())), expand };
}

function filtered<T>(
  items: readonly T[],
  query: ReadonlyMap<string, string>,
  read: (item: T) => MetadataObject,
): readonly T[] {
  const text = query.get('$filter');
  if (text === undefined) return items;
  const matches = compileFilter<T>(text, query, {
    property: (path) => untyped((item) => scalarAt(read(item), path)),
  });
  return items.filter(matches);
}

function scalarAt(item: MetadataObject, path: string): Scalar {
  let value: unknown = item;
  for (const name of path.split('/')) value = (value as MetadataObject | null | undefined)?.[name];
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null;
}
