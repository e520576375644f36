import type { Client, SendLog } from '../dataverse/client.ts';
import { readVersions } from '../dataverse/read-versions.ts';
import type { WriteResult } from '../dataverse/write-rows.ts';
import type { EncodedRow } from '../mapping/encoded-row.ts';
import type { RowOutcome } from '../plan/outcome.ts';
import type { Slice } from '../source/source.ts';
import { judgeVersion } from './judge-version.ts';
import type { Lane } from './lane.ts';

interface Sending {
  readonly lane: Lane;
  readonly slice: Slice;
  readonly client: Client;
  readonly log: SendLog;
}

/**
 * A twin at work in the slice has left its mark before it sent. Then a refusal, or that a row is gone already, may be what the twin has brought
 * about: such rows are sent again as a repeat, and looked up where they are refused again. Answers their outcomes.
 */
export async function lookTwice(
  sending: Sending,
  rows: readonly EncodedRow[],
  outcomes: readonly RowOutcome[],
  sendAgain: (rows: readonly EncodedRow[]) => Promise<WriteResult>,
): Promise<readonly RowOutcome[]> {
  const { lane, slice } = sending;
  const doubtful = doubtfulRows(rows, outcomes);
  if (doubtful.length === 0 || !(await lane.deps.ledger.isContested(lane.input.runId, slice.firstRow))) return [];
  const again = (await sendAgain(doubtful)).outcomes;
  const refused = doubtfulRows(doubtful, again);
  const versions = await readVersions(sending.client, {
    table: lane.plan.table,
    rows: refused,
    deadlineAtMs: lane.boxEndsMs,
    log: sending.log,
  });
  const found = refused.flatMap((row, at) => {
    const version = versions[at];
    const outcome = version === undefined ? undefined : judgeVersion(lane.plan, row, version, 'first');
    return outcome === undefined ? [] : [outcome];
  });
  return [...again, ...found];
}

function doubtfulRows(rows: readonly EncodedRow[], outcomes: readonly RowOutcome[]): readonly EncodedRow[] {
  const doubtful = new Set(
    outcomes.filter(({ outcome }) => outcome === 'rejected' || outcome === 'alreadyAbsent').map(({ row }) => row),
  );
  return rows.filter(({ row }) => doubtful.has(row));
}
