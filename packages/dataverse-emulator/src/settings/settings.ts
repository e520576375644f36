import type { LatencySettings } from '../latency/latency-model.ts';
import type { LimitSettings } from '../limits/limit-settings.ts';

/** An Entra app registration that is an application user of the environment. */
export interface ApplicationUserSetting {
  readonly clientId: string;
  readonly name: string;
  /** Checked at the token endpoint only when set. */
  readonly secret: string | null;
  readonly disabled: boolean;
  /** `prvActOnBehalfOfAnotherUser`. */
  readonly mayImpersonate: boolean;
  /** `prvBypassCustomBusinessLogic`. */
  readonly mayBypassLogic: boolean;
  /** Privileges the user lacks, as the service names them: `prvCreateAccount`. Verbs: Create, Read, Write, Delete. */
  readonly denied: readonly string[];
}

export interface Settings {
  /** Name of the profile these settings started from. */
  readonly profile: string;
  readonly servers: number;
  /** Servers (numbered from 0) taken out: their cookies route elsewhere. */
  readonly serversOut: readonly number[];
  readonly routing: 'roundRobin' | 'random';
  /** `x-ms-dop-hint`: a number, any text to test a client's tolerance, or `null` for no header. */
  readonly hint: number | string | null;
  readonly limits: LimitSettings;
  readonly latency: LatencySettings;
  readonly users: readonly ApplicationUserSetting[];
  readonly tokenLifetimeSeconds: number;
  /** Required value of `X-IDENTITY-HEADER`; `null` accepts any. */
  readonly identityHeader: string | null;
  readonly pageSize: number;
  readonly deltaTokenLifetimeSeconds: number;
  readonly maxBatchOperations: number;
  readonly maxBodyBytes: number;
  /** Whether columns of level ApplicationRequired are enforced on create. */
  readonly enforceRequired: boolean;
  /** What writing a read-only column does. */
  readonly readOnlyColumns: 'ignore' | 'refuse';
  /** A request at least this long (execution) is answered with the SQL timeout; `null`: never. */
  readonly sqlTimeoutMs: number | null;
  /** Status of the answer to DeleteMultiple on a standard table (not documented). */
  readonly deleteMultipleStandardStatus: number;
  /** Tables and the bulk messages they lack: `{"account": ["UpsertMultiple"]}`. */
  readonly missingMessages: Readonly<Record<string, readonly string[]>>;
  /** Entries kept in the journal; the oldest go first. */
  readonly journalLimit: number;
}

/** What a person may hand in: any part of the settings, at any depth. */
export type DeepPartial<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [K in keyof T]?: DeepPartial<T[K]> }
    : T;

export type SettingsPatch = DeepPartial<Settings>;
