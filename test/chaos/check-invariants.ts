import { createHash } from 'node:crypto';
import type { Part } from '../../src/ledger/parts.ts';
import type { OutcomeKind } from '../../src/plan/outcome.ts';
import type { Report } from '../../src/plan/report.ts';

/** What the input file holds, by an independent reader. */
export interface ExpectedRow {
  readonly row: number;
  /** Names the row on the server. */
  readonly key: string;
  /** The value of one column that no two rows of the file share. */
  readonly value: string;
  readonly from: number;
  readonly to: number;
}

/** One committed write of the emulator's journal, with the key of its row. */
export interface Commit {
  readonly operation: 'created' | 'updated' | 'deleted';
  readonly key: string;
}

export interface Evidence {
  readonly operation: 'create' | 'update' | 'upsert' | 'delete';
  /** The keys of the input are those that rows are found by; else two rows of one key are two rows. */
  readonly hasOwnKeys: boolean;
  readonly input: readonly ExpectedRow[];
  readonly bytes: Buffer;
  readonly parts: readonly Part[];
  readonly report: Report;
  /** Keys on the server before the run. */
  readonly before: ReadonlySet<string>;
  /** What the run committed. */
  readonly commits: readonly Commit[];
  /** Values by key on the server after the run. */
  readonly after: ReadonlyMap<string, string>;
  /** Something in the script kept verifying reads from an answer. */
  readonly readsBlocked: boolean;
}

const successKind = { create: 'created', update: 'updated', upsert: 'upserted', delete: 'deleted' } as const;
const successes: ReadonlySet<OutcomeKind> = new Set(['created', 'updated', 'upserted', 'deleted']);

/** Every promise about rows that the evidence breaks, in words; the numbers are those of docs/reliability.md. */
export function checkInvariants(evidence: Evidence): readonly string[] {
  const outcomes = outcomesOf(evidence);
  return [
    ...checkParts(evidence),
    ...checkReport(evidence, outcomes),
    ...checkCommits(evidence, outcomes),
    ...checkServer(evidence, outcomes),
  ];
}

/** The outcome of every row: its line, the plain success of its part, or notAttempted where no part is. */
function outcomesOf({ input, parts, operation }: Evidence): ReadonlyMap<number, OutcomeKind> {
  const outcomes = new Map<number, OutcomeKind>(input.map(({ row }) => [row, 'notAttempted']));
  for (const part of parts) {
    for (let row = part.firstRow; row < part.firstRow + part.rowCount; row += 1)
      outcomes.set(row, successKind[operation]);
    for (const line of part.exceptions) outcomes.set(line.row, line.outcome);
  }
  return outcomes;
}

/** I1: the parts tile the rows they speak of; each speaks of the bytes of its rows. */
function checkParts({ input, bytes, parts, operation }: Evidence): string[] {
  const violations: string[] = [];
  let next = 1;
  for (const part of parts) {
    if (part.firstRow < next) violations.push(`I1: the part of row ${part.firstRow} overlaps the one before`);
    next = part.firstRow + part.rowCount;
    const first = input[part.firstRow - 1];
    const last = input[next - 2];
    if (first === undefined || last === undefined) {
      violations.push(`I1: the part of row ${part.firstRow} goes beyond the input`);
      continue;
    }
    const sha256 = createHash('sha256').update(bytes.subarray(first.from, last.to)).digest('hex');
    if (sha256 !== part.bytes.sha256) violations.push(`I1: the part of row ${part.firstRow} speaks of other bytes`);
    violations.push(...checkCounts(part, operation));
  }
  return violations;
}

function checkCounts(part: Part, operation: Evidence['operation']): string[] {
  const counted: Partial<Record<OutcomeKind, number>> = {};
  for (const { outcome } of part.exceptions) counted[outcome] = (counted[outcome] ?? 0) + 1;
  const plain = part.rowCount - part.exceptions.length;
  const success = successKind[operation];
  if (plain > 0) counted[success] = (counted[success] ?? 0) + plain;
  const same = Object.keys({ ...counted, ...part.counts }).every(
    (kind) => (counted[kind as OutcomeKind] ?? 0) === (part.counts[kind as OutcomeKind] ?? 0),
  );
  return same
    ? []
    : [
        `I7: the part of row ${part.firstRow} counts ${JSON.stringify(part.counts)}, its lines say ${JSON.stringify(counted)}`,
      ];
}

/** I1, I7: the report is the fold of the outcomes, and adds up to the input. */
function checkReport(
  { input, report, parts, readsBlocked }: Evidence,
  outcomes: ReadonlyMap<number, OutcomeKind>,
): string[] {
  if (report.proof === null) {
    // Cancelled or failed before the rows were counted, and then none was sent.
    const mayLack = report.state === 'failed' || (report.state === 'cancelled' && parts.length === 0);
    return outcomes.size > 0 && !mayLack ? ['I1: the report has no proof'] : [];
  }
  const folded: Partial<Record<OutcomeKind, number>> = {};
  for (const outcome of outcomes.values()) folded[outcome] = (folded[outcome] ?? 0) + 1;
  const violations: string[] = [];
  if (report.state === 'inconsistent') violations.push('I1: the books do not close');
  if (report.rowsTotal !== input.length)
    violations.push(`I1: ${report.rowsTotal ?? 0} rows of ${input.length} are reported`);
  for (const kind of Object.keys({ ...folded, ...report.counts }) as OutcomeKind[]) {
    if ((folded[kind] ?? 0) !== (report.counts[kind] ?? 0))
      violations.push(`I7: ${report.counts[kind] ?? 0} ${kind} are reported, the parts say ${folded[kind] ?? 0}`);
  }
  if (!readsBlocked && (folded.unknown ?? 0) > 0)
    violations.push(`I6: ${folded.unknown ?? 0} rows are unknown without need`);
  return violations;
}

/** I4, I5, I6, I17: what the server committed is what the ledger says. */
function checkCommits({ input, commits }: Evidence, outcomes: ReadonlyMap<number, OutcomeKind>): string[] {
  const claimed = new Set<string>();
  for (const { row, key } of input) {
    const outcome = outcomes.get(row) ?? 'notAttempted';
    if (successes.has(outcome) || outcome === 'unknown') claimed.add(key);
  }
  const violations: string[] = [];
  const creates = new Map<string, number>();
  for (const { operation, key } of commits) {
    if (!claimed.has(key)) violations.push(`I4/I6: ${operation} ${key} was committed, and no row claims it`);
    if (operation === 'created') creates.set(key, (creates.get(key) ?? 0) + 1);
  }
  for (const [key, count] of creates) if (count > 1) violations.push(`I17: ${key} was created ${count} times`);
  return [...new Set(violations)];
}

/** I2, I3, I8: what was claimed stands on the server, the last row of a key with its value. */
function checkServer(
  { input, operation, hasOwnKeys, after, before, commits }: Evidence,
  outcomes: ReadonlyMap<number, OutcomeKind>,
): string[] {
  const violations: string[] = [];
  const lastRow = new Map(input.map(({ row, key }) => [key, row]));
  for (const { row, key, value } of input) {
    const outcome = outcomes.get(row) ?? 'notAttempted';
    if (outcome === 'alreadyAbsent' && before.has(key))
      violations.push(`I7: row ${row} was there and counts as absent`);
    if (!successes.has(outcome)) continue;
    if (hasOwnKeys && lastRow.get(key) !== row)
      violations.push(`I8: row ${row} was sent, and ${key} comes again in row ${lastRow.get(key) ?? 0}`);
    if (operation === 'delete') {
      if (after.has(key)) violations.push(`I3: row ${row} counts as deleted and is there`);
    } else if (after.get(key) !== value) {
      violations.push(`I3: row ${row} counts as ${outcome}, and the server has ${after.get(key) ?? 'nothing'}`);
    }
  }
  const created = commits.filter((commit) => commit.operation === 'created').length;
  const claimed = [...outcomes.values()].filter((outcome) => outcome === 'created').length;
  if (operation === 'create' && created < claimed)
    violations.push(`I2: ${claimed} created are claimed, ${created} were`);
  return violations;
}
