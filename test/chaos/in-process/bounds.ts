import { decodeIndex, type SliceIndex } from '../../../src/source/slice-index.ts';
import type { Slice } from '../../../src/source/source.ts';
import { reportOf } from './evidence.ts';
import type { Scenario } from './scenario.ts';
import type { World } from './world.ts';

/** I19: what kills or never comes back costs a run a slice, or an hour, and no more. */
export function checkBounds(world: World, scenario: Scenario, runId: string, tookMs: number): string[] {
  return [...checkPoison(world, scenario, runId), ...checkOutage(world, scenario, runId, tookMs)];
}

function checkPoison(world: World, { poison }: Scenario, runId: string): string[] {
  const report = reportOf(world, runId);
  const { parts, index } = world.ledger.run(runId);
  const lines = [...parts.values()].flatMap(({ exceptions }) => exceptions);
  const given = lines.filter(({ reason, rejection }) => reason === 'poison' || rejection?.code === 'row.poison');
  if (poison === undefined || index === undefined || report.proof === null)
    return given.map(({ row }) => `I19: row ${row} was given up, and nothing kills`);
  const killed = poison.row;
  const slice = sliceOf(decodeIndex(index.bytes), killed);
  const violations = given
    .filter(({ row }) => row < slice.firstRow || row >= slice.firstRow + slice.rowCount)
    .map(({ row }) => `I19: row ${row} was given up for row ${killed}, which is in another slice`);
  const states = poison.at === 'read' ? ['completed', 'cancelled', 'stopped'] : ['completed', 'cancelled'];
  if (!states.includes(report.state)) violations.push(`I19: row ${killed} has ended the run as ${report.state}`);
  return violations;
}

function sliceOf(index: SliceIndex, row: number): Slice {
  let position = index.sliceCount - 1;
  while (position > 0 && index.slice(position).firstRow > row) position -= 1;
  return index.slice(position);
}

/** An hour without an outcome, what is looked up after it, and the last wave or wait. */
const longestMinutes = 60 + 25;

function checkOutage(world: World, { outage }: Scenario, runId: string, tookMs: number): string[] {
  const { state } = reportOf(world, runId);
  if (outage === undefined) return state === 'stalled' ? ['I19: the run stalled, and nothing holds it up'] : [];
  const minutes = tookMs / 60_000;
  if (state === 'stalled' && outage.minutes < 60)
    return [`I19: ${outage.minutes} minutes without an answer ended the run`];
  return minutes > longestMinutes && outage.minutes > 60
    ? [`I19: the run went on for ${Math.round(minutes)} minutes, ${outage.minutes} of them without an answer`]
    : [];
}
