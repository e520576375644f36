import type { RowVersion } from '../dataverse/read-versions.ts';
import { isSince } from '../dataverse/since.ts';
import type { EncodedRow } from '../mapping/encoded-row.ts';
import type { RowOutcome } from '../plan/outcome.ts';
import type { Look } from '../plan/payloads.ts';
import type { RunPlan } from './run-plan.ts';

/**
 * What became of a row that may have been sent, by what stands on the server now; undefined while a late commit may still change it. `beganMs` is
 * when the run began, by the server's clock. A row that was modified since the run began counts as the run's work: its values are those of the file unless someone else wrote in that time.
 */
export function judgeVersion(
  plan: RunPlan,
  row: EncodedRow,
  version: RowVersion,
  { look, beganMs }: { readonly look: Look; readonly beganMs: number },
): RowOutcome | undefined {
  if (version.kind === 'unreadable') return look === 'last' ? unknown(row, version.reason) : undefined;
  const done = doneKind(plan, version, beganMs);
  if (done !== undefined) return { row: row.row, outcome: done, recovered: true };
  return look === 'first' ? undefined : { row: row.row, outcome: 'notAttempted' };
}

function unknown({ row }: EncodedRow, reason: string): RowOutcome {
  const message = `The row may have been sent, and could not be looked up: ${reason}`;
  return { row, outcome: 'unknown', rejection: { class: 'service', code: 'row.unreadable', message } };
}

function doneKind(
  { manifest, mapping }: RunPlan,
  version: Exclude<RowVersion, { readonly kind: 'unreadable' }>,
  beganMs: number,
) {
  const found = version.kind === 'found' ? version : undefined;
  switch (manifest.spec.target.operation) {
    case 'create':
      return found !== undefined && (mapping.key.kind === 'made' || isSince(found.createdOn, beganMs))
        ? 'created'
        : undefined;
    case 'delete':
      return found === undefined ? 'deleted' : undefined;
    case 'update':
      return isSince(found?.modifiedOn, beganMs) ? 'updated' : undefined;
    case 'upsert':
      return isSince(found?.modifiedOn, beganMs) ? 'upserted' : undefined;
  }
}
