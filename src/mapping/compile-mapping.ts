import type { Fault } from '../plan/fault.ts';
import { type AssignInput, assignColumns, unmappedIsFault } from './assignments.ts';
import type { MappingPlan, PlannedKey } from './mapping-plan.ts';
import { partitionColumn, planKey } from './plan-key.ts';
import { planMembers } from './plan-members.ts';

export interface CompileMappingInput extends AssignInput {
  /** Hexadecimal digest of the run's id, 19 digits or more: the made ids of a create are derived from it. */
  readonly runIdDigest: string;
}

export type CompiledMapping = { readonly plan: MappingPlan } | { readonly faults: readonly Fault[] };

/** Settles how records become rows, or lists everything that stands against it. Pure. */
export function compileMapping(input: CompileMappingInput): CompiledMapping {
  const { spec } = input;
  const { operation } = spec.target;
  const faults: Fault[] = [];
  const assignments = assignColumns(input, faults);
  const key = planKey({ ...input, assignments }, faults);
  const keyColumns = new Set(keyColumnsOf(key, input));
  const members = operation === 'delete' ? [] : planMembers({ ...input, operation, assignments, keyColumns }, faults);
  if (key === undefined || faults.length > 0) return { faults };
  const extraMembers = unmappedIsFault(spec) ? 'reject' : 'ignore';
  const isByName = operation !== 'delete' && spec.mapping.columns === undefined;
  const byName = isByName ? { byName: input.table.columns.map(({ logicalName }) => logicalName) } : {};
  return { plan: { operation, empty: spec.mapping.empty, extraMembers, ...byName, members, key } };
}

/** Without a usable key, its columns are not judged as written ones: one fault is enough. */
function keyColumnsOf(key: PlannedKey | undefined, { spec, table }: AssignInput): readonly string[] {
  if (key === undefined) return [table.primaryIdColumn, ...(spec.target.key ?? [])];
  if (key.kind === 'alternate') return key.parts.map(({ column }) => column.logicalName);
  return key.partition === undefined ? [table.primaryIdColumn] : [table.primaryIdColumn, partitionColumn];
}
