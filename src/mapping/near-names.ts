const shownNames = 3;

/** A publisher prefix has 2 to 8 characters, and an underscore follows. */
const longestPrefix = 9;

/** ` Did you mean a or b?`, or nothing when no candidate is near. */
export function didYouMean(name: string, candidates: readonly string[]): string {
  const near = nearNames(name, candidates);
  return near.length === 0 ? '' : ` Did you mean ${near.join(' or ')}?`;
}

function nearNames(name: string, candidates: readonly string[]): string[] {
  const wanted = name.toLowerCase();
  const allowed = Math.max(1, Math.floor(wanted.length / 3));
  // Long names are compared only with names about as long, so a wide source with many unknown columns costs little.
  return candidates
    .filter(({ length }) => Math.abs(length - wanted.length) <= Math.max(allowed, longestPrefix))
    .map((candidate) => ({ candidate, distance: distanceBetween(wanted, candidate.toLowerCase()) }))
    .filter(({ distance }) => distance <= allowed)
    .sort((left, right) => left.distance - right.distance)
    .slice(0, shownNames)
    .map(({ candidate }) => candidate);
}

/** Edits between two names; a publisher prefix (`fan_name` for `name`) that one of them lacks counts as one. */
function distanceBetween(left: string, right: string): number {
  if (left.endsWith(`_${right}`) || right.endsWith(`_${left}`)) return 1;
  return editDistance(left, right);
}

/** Levenshtein distance. */
function editDistance(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const replaced = (previous[column - 1] ?? 0) + (right[column - 1] === left[row - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[right.length] ?? 0;
}
