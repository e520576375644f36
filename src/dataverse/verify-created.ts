import { apiRoot } from './client.ts';
import { keySegment } from './key-text.ts';
import { settleRejection } from './pending-row.ts';
import type { DoubtfulRow, WriteCall } from './pending-row.ts';
import { readEach } from './read-each.ts';
import { readJsonObject } from './read-json.ts';
import { isSameRow } from './same-row.ts';
import type { PartResult } from './write-by-batch.ts';

/**
 * Looks up the rows of a create that met a duplicate which may be their own earlier send. An id that we made is nobody else's: what has it is
 * ours. An id or an alternate key of the source says less: then what we sent must be in the row, and the row not older than the run.
 * Not there: something else is in the way, and the refusal stands. Not readable: nobody knows.
 */
export async function verifyCreated(call: WriteCall): Promise<void> {
  await readEach(
    call,
    call.doubtful.map((doubtful) => ({
      path: pathOf(call, doubtful),
      check: (body) => void readJsonObject(body),
      settle: (result) => settleByRead(call, doubtful, result),
    })),
  );
}

function pathOf({ target }: WriteCall, { pending }: DoubtfulRow): string {
  const { key } = pending.row;
  // To compare, every column is needed; lookups cannot be selected by the names they are written by.
  const query = isMade(pending.row.key) ? `?$select=${target.primaryIdColumn}` : '';
  return `${apiRoot}${keySegment(target, key)}${query}`;
}

function isMade(key: DoubtfulRow['pending']['row']['key']): boolean {
  return key.kind === 'id' && key.made === true;
}

function settleByRead(call: WriteCall, doubtful: DoubtfulRow, result: PartResult): void {
  const { pending } = doubtful;
  const { row } = pending.row;
  if (result.ok && isOurs(call, doubtful, result.body)) {
    pending.outcome = { row, outcome: 'created', recovered: true };
  } else if (result.ok || result.fault.class === 'absent' || result.fault.code === noRowForAlternateKey) {
    settleRejection(call, pending, doubtful.fault);
  } else {
    pending.outcome = { row, outcome: 'unknown' };
  }
}

const noRowForAlternateKey = '0x80060891';

function isOurs(call: WriteCall, { pending }: DoubtfulRow, body: string): boolean {
  return isMade(pending.row.key) || isSameRow(pending.row.members, readJsonObject(body), call.runStartedAt);
}
