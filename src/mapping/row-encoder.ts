import type { Rejection } from '../plan/outcome.ts';
import { faultDetail } from '../source/source.ts';
import type { ReadRow, SourceRow } from '../source/source-row.ts';
import { encodeCell, rejectionOf, shorten, type PreparedCell } from './encode-cell.ts';
import type { EncodedRow, IdKey, RowKey } from './encoded-row.ts';
import { keyPartEncoder } from './encode-key.ts';
import { encodePartition } from './encode-partition.ts';
import { guidEncoder } from './encode-text.ts';
import type { MappingPlan, PlannedColumn, PlannedKey } from './mapping-plan.ts';
import { createMembersEncoder } from './members-encoder.ts';
import { partitionColumn } from './plan-key.ts';

/** A record as a row to send, or why it is none: class `source` when it could not be read, `mapping` when a value does not fit. */
export type RowEncoder = (row: ReadRow) => EncodedRow | Rejection;

export function isRejection(result: EncodedRow | Rejection): result is Rejection {
  return 'class' in result;
}

/** Prepares everything that does not depend on a record; the first misfit of a record is its rejection. */
export function createRowEncoder(plan: MappingPlan): RowEncoder {
  const encodeMembers = createMembersEncoder(plan);
  const encodeKey = createKeyEncoder(plan.key);
  const lateMembers = lateMembersOf(plan);
  return (row) => {
    if ('fault' in row) return { class: 'source', code: row.fault.code, message: faultDetail(row.fault) };
    const late = row.extra === undefined ? [] : lateMembers(row.extra);
    if (late.length > 0) return lateRejection(row, late);
    const key = encodeKey(row);
    if ('class' in key) return key;
    const members = encodeMembers(row);
    if ('class' in members) return members;
    return { row: row.row, from: row.from, to: row.to, members, key };
  };
}

/** Members that only this record has and that may not be passed over: all, or those that would have had a column. */
function lateMembersOf({ extraMembers, byName = [] }: MappingPlan): (extra: readonly string[]) => readonly string[] {
  if (extraMembers === 'reject') return (extra) => extra;
  const columns = new Set(byName);
  return (extra) => extra.filter((name) => columns.has(name.toLowerCase()));
}

function lateRejection(row: SourceRow, late: readonly string[]): Rejection {
  const names = late.slice(0, 3).map(shorten).join(', ');
  const message = `The record has members without a target that the first record does not have: ${names} (row ${row.row})`;
  return { class: 'mapping', code: 'mapping.unmapped', message };
}

/** The key of a record alone, or the misfit that leaves it without one. */
export type KeyEncoder = (row: SourceRow) => RowKey | Rejection;

export function createKeyEncoder(key: PlannedKey): KeyEncoder {
  if (key.kind === 'alternate') return alternateKeyEncoder(key.parts);
  const encodeId = key.kind === 'made' ? madeIdEncoder(key.prefix) : sourceIdEncoder(key);
  return key.partition === undefined ? encodeId : partitionedEncoder(encodeId, key.partition);
}

type IdEncoder = (row: SourceRow) => IdKey | Rejection;

function madeIdEncoder(prefix: string): IdEncoder {
  return (row) => ({ kind: 'id', id: prefix + row.row.toString(16).padStart(12, '0'), made: true });
}

function sourceIdEncoder({ source, column }: { readonly source: number; readonly column: string }): IdEncoder {
  const prepared = { source, name: column, encode: guidEncoder };
  return (row) => {
    const id = encodeKeyCell(row, prepared);
    return typeof id === 'string' ? { kind: 'id', id } : id;
  };
}

/** Where an empty cell leaves the partition to the id. */
function partitionedEncoder(encodeId: IdEncoder, source: number): IdEncoder {
  return (row) => {
    const key = encodeId(row);
    const cell = row.cells.at(source);
    if ('class' in key || cell === undefined || cell === null || cell === '') return key;
    const partitionId = encodeCell(row, cell, { source, name: partitionColumn, encode: encodePartition });
    return typeof partitionId === 'string' ? { ...key, partitionId } : partitionId;
  };
}

function alternateKeyEncoder(parts: readonly PlannedColumn[]): KeyEncoder {
  const prepared = parts.map((part) => ({
    source: part.source,
    name: part.column.logicalName,
    encode: keyPartEncoder(part.column),
  }));
  return (row) => {
    let predicate = '';
    for (const part of prepared) {
      const literal = encodeKeyCell(row, part);
      if (typeof literal !== 'string') return literal;
      predicate = predicate === '' ? literal : `${predicate},${literal}`;
    }
    return { kind: 'alternate', predicate };
  };
}

/** The server keeps no key with an empty part unique, so a row is never looked for by one. */
function encodeKeyCell(row: SourceRow, prepared: PreparedCell): string | Rejection {
  const cell = row.cells.at(prepared.source);
  if (cell === undefined || cell === null || cell === '') {
    return rejectionOf('mapping.keyEmpty', prepared.name, 'is part of the key and empty', row);
  }
  return encodeCell(row, cell, prepared);
}
