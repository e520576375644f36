import type { RunSpec } from '../../src/plan/run-spec.ts';
import { parseRunSpec } from '../../src/plan/spec.ts';

/** The spec as the API would take it; a test's own spec has no faults. */
export function specOf(input: unknown): RunSpec {
  const parsed = parseRunSpec(input);
  if ('faults' in parsed) throw new Error(`The spec of this test has faults: ${JSON.stringify(parsed.faults)}`);
  return parsed.spec;
}

/** A run of `a.csv` into `account`. */
export const accountSpec = (operation: string, options: object = {}): RunSpec =>
  specOf({
    connection: 'main',
    source: { container: 'sources', blob: 'a.csv' },
    target: { table: 'account', operation },
    options,
  });
