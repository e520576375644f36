import type { Lineage } from '../../../src/plan/lineage.ts';
import { undoSpecOf } from '../../../src/plan/undo-spec.ts';
import { commitsAfter, reportOf } from './evidence.ts';
import { performCalmly, type Stage } from './perform.ts';
import { serverRows } from './table.ts';

/** I16: a redrive without faults sends the rows that were left, and no other. */
export async function redrive(stage: Stage, runId: string): Promise<string[]> {
  const { world, scenario } = stage;
  if (reportOf(world, runId).proof === null) return [];
  const left = leftRows(stage, runId);
  const selection = { outcomes: ['rejected', 'unknown', 'notAttempted'] } as const;
  const lineage: Lineage = { kind: 'redrive', of: runId, root: runId, edited: false, selection };
  const again = 'again';
  const began = world.emulator.journal.lastSequence;
  await performCalmly(stage, { runId: again, spec: scenario.spec, lineage });
  const report = reportOf(world, again);
  const keys = new Set(left.map(({ key }) => String(key)));
  const strangers = commitsAfter(world, scenario, began).filter(({ key }) => !keys.has(key));
  const violations = strangers.map(({ key }) => `I16: the redrive wrote ${key}, which was done`);
  if (report.rowsTotal !== left.length)
    violations.push(`I16: ${report.rowsTotal ?? 0} rows are redriven, ${left.length} were left`);
  if (report.state !== 'completed')
    violations.push(`I10: the redrive ended as ${report.state}: ${report.reason ?? ''}`);
  return violations;
}

function leftRows({ world: { ledger }, scenario: { rows, family, spec } }: Stage, runId: string) {
  const done = new Set<number>();
  for (const { firstRow, rowCount, exceptions } of ledger.run(runId).parts.values()) {
    for (let row = firstRow; row < firstRow + rowCount; row += 1) done.add(row);
    for (const { row, outcome, reason } of exceptions) {
      const isLeft = outcome === 'rejected' || outcome === 'unknown' || outcome === 'notAttempted';
      if (isLeft && reason !== 'superseded') done.delete(row);
    }
  }
  // A row no part covers is superseded as any other: the last row of its key may be done.
  const lastRowOfKey = new Map(rows.map(({ key, row }) => [key, row]));
  const lastCounts = family !== 'clash' && spec.options.duplicates === 'lastWins';
  return rows.filter(({ row, key }) => !done.has(row) && (!lastCounts || lastRowOfKey.get(key) === row));
}

export const undoOf = (of: string): Lineage => ({ kind: 'undo', of, root: of });

/** Another undo in peace leaves exactly the rows that somebody else has changed. */
export async function undoAgain(stage: Stage, parent: string, kept: ReadonlySet<string>): Promise<string[]> {
  const { world, scenario } = stage;
  const again = 'undo-again';
  await performCalmly(stage, { runId: again, spec: undoSpecOf(scenario.spec), lineage: undoOf(parent) });
  const { state, reason } = reportOf(world, again);
  const ids = serverRows(world, scenario).map(({ id }) => id);
  return [
    ...(state === 'completed' ? [] : [`I10: the undo ended as ${state}: ${reason ?? ''}`]),
    ...ids.filter((id) => !kept.has(id)).map((id) => `I16: ${id} is still there after an undo`),
    ...(ids.length < kept.size ? [`I4: ${kept.size - ids.length} changed rows were deleted`] : []),
  ];
}
