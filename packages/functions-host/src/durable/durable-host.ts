import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { DurableSettings } from '../settings/host-json.ts';
import type { TaskRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import type { FunctionCatalog, HostFunction, TriggerKind } from '../worker/functions.ts';
import type { Invoke } from '../worker/invoker.ts';
import type { Faults } from './faults.ts';
import type { TurnGuard } from './turn-guard.ts';

/** What every part of the durable engine works with. */
export interface DurableHost {
  readonly store: Store;
  readonly invoke: Invoke;
  readonly catalog: FunctionCatalog;
  readonly clock: Clock;
  readonly log: Log;
  readonly settings: DurableSettings;
  readonly functionTimeoutMs: number | undefined;
  /** The newest action format offered to durable-functions: 1, 2 or 3. */
  readonly schemaVersion: number;
  readonly faults: Faults;
  readonly guard: TurnGuard;
  readonly environment: NodeJS.ProcessEnv;
}

/** What has to happen in memory once a transaction is committed. */
export interface Effects {
  /** Instances that were sent a message. */
  readonly notified: Set<string>;
  /** Activities to run. */
  readonly tasks: TaskRow[];
  /** Earliest new timer. */
  timerAt: number;
}

export function noEffects(): Effects {
  return { notified: new Set(), tasks: [], timerAt: Number.POSITIVE_INFINITY };
}

/** The durable function of that name; throws with the Durable extension's message if there is none. */
export function requireFunction(catalog: FunctionCatalog, kind: TriggerKind, name: string): HostFunction {
  const found = catalog.find(kind, name);
  if (found) return found;
  const word = kind === 'orchestration' ? 'orchestrator' : kind;
  const known = catalog.names(kind);
  const list = known.length > 0 ? known.map((one) => `'${one}'`).join(', ') : '(none)';
  throw new Error(
    `The function '${name}' doesn't exist, is disabled, or is not an ${word} function. Additional info: The following are the known ${word} functions: ${list}.`,
  );
}
