import type { RunSpec } from './run-spec.ts';

/** The run that takes back what a create run created, as the spec of a run over their ids. */
export const undoSpecOf = ({ connection, source, target, options }: RunSpec): RunSpec => ({
  connection,
  source,
  target: { table: target.table, operation: 'delete' },
  mapping: { unmapped: 'error', empty: 'null' },
  // Rows that are kept because they were changed are no sign that something is wrong.
  options: { ...options, tolerate: { inARow: 1_000_000 } },
});
