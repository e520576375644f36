import { findRow, type RowAddress } from '../odata/row-address.ts';
import type { Row, TableStore } from '../store/table-store.ts';
import type { ApiRequest, Environment } from '../operations/operation.ts';
import type { RowFilter } from './row-query.ts';

/** A session token in the real service's outward form; it covers every write up to now. */
export function sessionHeaders(environment: Environment, { model }: TableStore): Readonly<Record<string, string>> {
  return model.isElastic ? { 'x-ms-session-token': `240:8#${environment.database.version}#7=-1` } : {};
}

const coveredVersion = ({ headers }: ApiRequest): number =>
  Number(/#(\d+)#/.exec(headers['mscrm.sessiontoken'] ?? '')?.[1] ?? 0);

/** The row of an address as this request may see it: on elastic tables perhaps as it was before a write of another session. */
export function seenRow(
  environment: Environment,
  request: ApiRequest,
  store: TableStore,
  address: RowAddress,
): Row | undefined {
  if (!store.model.isElastic || address.kind === 'key') return findRow(store, address);
  const partition = store.model.columnsByName.get('partitionid')?.ordinal ?? -1;
  const values = [];
  values[partition] = address.partition ?? null;
  return seenByKey(environment, request, store, store.keyOf({ id: address.id, values }));
}

function seenByKey(environment: Environment, request: ApiRequest, store: TableStore, key: string): Row | undefined {
  return environment.recentWrites.seen(store, key, coveredVersion(request), environment.clock.now());
}

/** A filter over the rows as this request may see them; the filter itself where that is how they are. */
export function seenFilter(
  environment: Environment,
  request: ApiRequest,
  store: TableStore,
  filter: RowFilter | undefined,
): RowFilter | undefined {
  if (!store.model.isElastic || environment.settings().elasticReadLagMs === 0) return filter;
  return {
    matches: filter?.matches ?? (() => true),
    candidates: () => environment.recentWrites.seenRows(store, coveredVersion(request), environment.clock.now()),
  };
}
