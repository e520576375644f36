import type { FaultRule } from '../faults/fault-rules.ts';

export interface WireRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** `undefined`: larger than allowed, and not read to its end. */
  readonly body: string | undefined;
}

/** An answer and what happens to it on its way out. */
export interface WireResponse {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
  readonly delivery: 'whole' | 'dropped' | 'cut' | 'slowHeaders' | 'slowBody';
  readonly delayMs: number;
}

export function deliveryOf(rule: FaultRule | undefined): WireResponse['delivery'] {
  switch (rule?.kind) {
    case 'resetBefore':
    case 'commitThenDrop':
      return 'dropped';
    case 'cutBody':
      return 'cut';
    case 'slowHeaders':
    case 'slowBody':
      return rule.kind;
    default:
      return 'whole';
  }
}
