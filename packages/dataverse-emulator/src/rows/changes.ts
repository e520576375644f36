import { errorCodes, ODataError } from '../errors.ts';
import type { Row, TableStore, Tombstone } from '../store/table-store.ts';

/** A row as it is now, or the mark of one that is gone. */
export type Change = Row | Tombstone;

/** How far a reader of changes has got: rows come first, deletions after them, each by version. */
export interface ChangePosition {
  readonly kind: 'row' | 'deletion';
  readonly version: number;
}

export const formatPosition = (change: Change): string =>
  `${'values' in change ? 'row' : 'deletion'} ${change.version}`;

/** Throws 400 for a position that is none. */
export function readPosition(text: string): ChangePosition {
  const match = /^(row|deletion) (\d+)$/.exec(text);
  if (match === null) throw new ODataError(400, errorCodes.invalidArgument, 'Malformed XML in the Paging Cookie');
  return { kind: match[1] === 'row' ? 'row' : 'deletion', version: Number(match[2]) };
}

/** At most `limit` of what changed above a version, behind a position. */
export function changesAfter(
  store: TableStore,
  version: number,
  position: ChangePosition | undefined,
  limit: number,
): readonly Change[] {
  const { kind = 'row', version: reached = version } = position ?? {};
  const rows = kind === 'row' ? oldestRows(store, reached, limit) : [];
  if (rows.length >= limit) return rows;
  return [...rows, ...deletions(store, kind === 'row' ? version : reached).slice(0, limit - rows.length)];
}

export function countChanges(store: TableStore, version: number): number {
  let count = deletions(store, version).length;
  for (const row of store.rows()) if (row.version > version) count += 1;
  return count;
}

/** The rows above a version that changed first. Versions are sorted as numbers before any row is, which a large table needs. */
function oldestRows(store: TableStore, above: number, limit: number): readonly Row[] {
  const versions: number[] = [];
  for (const { version } of store.rows()) if (version > above) versions.push(version);
  const last = Float64Array.from(versions).sort()[Math.min(limit, versions.length) - 1] ?? -1;
  const rows: Row[] = [];
  for (const row of store.rows()) if (row.version > above && row.version <= last) rows.push(row);
  return rows.sort((a, b) => a.version - b.version);
}

/** A row that went several times is told once, and one that came back not at all. */
function deletions(store: TableStore, above: number): readonly Tombstone[] {
  const byKey = new Map<string, Tombstone>();
  for (const tombstone of store.tombstones) {
    if (tombstone.version > above && store.getByKey(tombstone.key) === undefined) byKey.set(tombstone.key, tombstone);
  }
  return [...byKey.values()].sort((a, b) => a.version - b.version);
}
