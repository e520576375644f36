import type { Fault } from './fault.ts';

/** Far more than any document of ours has, and far less than any stack takes. */
const mostLevels = 16;

/** What is nested without end is no document of ours, and cannot even be shown in a fault. */
export function findTooDeep(json: unknown): readonly Fault[] {
  return isDeeper(json, mostLevels)
    ? [{ pointer: '', detail: `Must be nested at most ${mostLevels} levels deep.` }]
    : [];
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((member) => isDeeper(member, levels - 1));
}
