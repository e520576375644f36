import type { LatencySettings } from '../latency/latency-model.ts';
import type { LimitSettings } from '../limits/limit-settings.ts';
import type { PluginStub } from '../plugins/plugin-stub.ts';

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

/** Columns whose values must not repeat in a table, as far as a request asks for duplicate detection. */
export interface DuplicateRule {
  readonly table: string;
  readonly columns: readonly string[];
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
  /** The hint in turns: each value for so many requests, then the next, from the first again. Wins over `hint`. */
  readonly hintTurns: { readonly requests: number; readonly values: readonly (number | string)[] } | null;
  readonly limits: LimitSettings;
  readonly latency: LatencySettings;
  readonly users: readonly ApplicationUserSetting[];
  readonly tokenLifetimeSeconds: number;
  /** Required value of `X-IDENTITY-HEADER`; `null` accepts any. */
  readonly identityHeader: string | null;
  readonly pageSize: number;
  /** Where `$count=true` and `/$count` stop counting; `null`: nowhere. */
  readonly countLimit: number | null;
  readonly deltaTokenLifetimeSeconds: number;
  readonly maxBatchOperations: number;
  readonly maxBodyBytes: number;
  /** Idle connections are closed after this time. */
  readonly keepAliveMs: number;
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
  readonly plugins: readonly PluginStub[];
  /** A message whose context is larger cannot be handed to a plug-in. */
  readonly pluginContextMaxBytes: number;
  readonly duplicateRules: readonly DuplicateRule[];
  /** What the first use of a bulk message on a table takes longer; others that come meanwhile fail. `null`: nothing. */
  readonly firstUseMs: number | null;
  /** From the answer of `BulkDelete` to the end of its job. */
  readonly bulkDeleteSeconds: number;
  /** Whether the limits are looked at again before each operation of a `$batch`. */
  readonly limitBatchParts: boolean;
  /** How far the environment's own clock is ahead in all it tells (`Date`, `Retry-After` dates, times of rows); negative: behind. */
  readonly clockSkewSeconds: number;
  /** Elastic tables: how long reads without the session token of a write may still see what was there before it. */
  readonly elasticReadLagMs: number;
  /** Entries kept in the journal and in the log of plug-in calls; the oldest go first. */
  readonly journalLimit: number;
}

/** What a person may hand in: any part of the settings, at any depth. */
export type DeepPartial<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [K in keyof T]?: DeepPartial<T[K]> }
    : T;

export type SettingsPatch = DeepPartial<Settings>;
