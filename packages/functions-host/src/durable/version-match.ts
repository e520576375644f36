import type { DurableSettings } from '../settings/host-json.ts';

/**
 * Why a host does not take an instance of that version; undefined if it does, as always where host.json has no `defaultVersion`
 * (learn.microsoft.com/azure/azure-functions/durable/durable-functions-orchestration-versioning).
 */
export function versionFault(version: string, settings: DurableSettings): string | undefined {
  const { defaultVersion, versionMatchStrategy } = settings;
  if (defaultVersion === '' || versionMatchStrategy === 'None') return undefined;
  const order = compareVersions(version, defaultVersion);
  if (order === 0 || (order < 0 && versionMatchStrategy === 'CurrentOrOlder')) return undefined;
  return `its version '${version}' does not fit this host's '${defaultVersion}' (versionMatchStrategy ${versionMatchStrategy}).`;
}

/** Numbers between dots count as numbers, anything else as text in any case of letters; none is older than any. */
function compareVersions(a: string, b: string): number {
  const [first, second] = [numbersOf(a), numbersOf(b)];
  if (!first || !second) return compareTexts(a.toLowerCase(), b.toLowerCase());
  for (let i = 0; i < Math.max(first.length, second.length); i++) {
    const difference = (first[i] ?? -1) - (second[i] ?? -1);
    if (difference !== 0) return difference;
  }
  return 0;
}

function numbersOf(version: string): number[] | undefined {
  return /^\d+(?:\.\d+){1,3}$/u.test(version) ? version.split('.').map(Number) : undefined;
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
