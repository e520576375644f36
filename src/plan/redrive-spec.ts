import { z } from 'zod';
import type { Fault } from './fault.ts';
import { findTooDeep } from './json-depth.ts';
import { redrivableKinds, type RowSelection } from './lineage.ts';
import type { SourceSpec } from './run-spec.ts';
import { faultsOf, sourceSchema } from './spec.ts';

/** What a redrive takes, and the edited file its values come from (absent: the source of the run itself). */
export interface RedriveSpec {
  readonly rows: RowSelection;
  readonly source?: SourceSpec;
}

const redriveSpec: z.ZodType<RedriveSpec> = z.strictObject({
  rows: z
    .strictObject({
      outcomes: z
        .array(z.enum(redrivableKinds))
        .min(1)
        .max(redrivableKinds.length)
        .default([...redrivableKinds]),
      classes: z.exactOptional(z.array(z.enum(['source', 'mapping', 'service'])).min(1)),
      codes: z.exactOptional(
        z
          .array(z.string().regex(/^[A-Za-z0-9._]{1,64}$/, 'an error code'))
          .min(1)
          .max(100),
      ),
    })
    .prefault({}),
  source: z.exactOptional(sourceSchema),
});

/** @returns the spec with defaults filled in, or every fault of it */
export function parseRedriveSpec(
  json: unknown,
): { readonly spec: RedriveSpec } | { readonly faults: readonly Fault[] } {
  const tooDeep = findTooDeep(json);
  if (tooDeep.length > 0) return { faults: tooDeep };
  const result = redriveSpec.safeParse(json, { reportInput: true });
  return result.success ? { spec: result.data } : { faults: result.error.issues.flatMap(faultsOf) };
}
