import { errorCodes, ODataError } from '../errors.ts';
import type { Caller } from '../operations/operation.ts';
import type { TableModel } from '../schema/table-model.ts';

export type Privilege = 'Create' | 'Read' | 'Write' | 'Delete';

/** By HTTP method of a single operation, or by bulk message. An upsert needs what both of its ways need. */
const needed: Readonly<Record<string, readonly Privilege[]>> = {
  GET: ['Read'],
  POST: ['Create'],
  PUT: ['Write'],
  PATCH: ['Create', 'Write'],
  DELETE: ['Delete'],
  CreateMultiple: ['Create'],
  UpdateMultiple: ['Write'],
  UpsertMultiple: ['Create', 'Write'],
  DeleteMultiple: ['Delete'],
};

/** Throws 403 `0x80040220` when the caller lacks a privilege on the table (`denied` in the settings). */
export function assertPrivileges(caller: Caller, { definition }: TableModel, action: string): void {
  if (caller.denied.length === 0) return;
  for (const verb of needed[action] ?? []) {
    const privilege = `prv${verb}${definition.schemaName}`;
    if (!caller.denied.includes(privilege)) continue;
    throw new ODataError(
      403,
      errorCodes.privilegeDenied,
      `Principal user (Id=${caller.systemUserId}, type=8, roleCount=1) is missing ${privilege} privilege for entity '${definition.logicalName}'.`,
    );
  }
}
