import type { Operation } from './outcome.ts';

/** The validated JSON a run starts from. It names connections and containers; it never holds a URL or a secret. */
export interface RunSpec {
  /** Name of a connection in the app's settings. */
  readonly connection: string;
  readonly source: SourceSpec;
  readonly target: TargetSpec;
  readonly mapping: MappingSpec;
  readonly options: RunOptions;
}

export interface SourceSpec {
  /** Blob container; must be one the app's settings allow. */
  readonly container: string;
  readonly blob: string;
  readonly format: 'csv' | 'jsonl';
  /** One character, CSV only. */
  readonly delimiter: ',' | ';' | '\t' | '|';
}

export interface TargetSpec {
  /** Logical name of the table. */
  readonly table: string;
  readonly operation: Operation;
  /**
   * Columns that identify a row: the primary id column alone, or the columns of one alternate key. Absent for `create` without a
   * key of its own, where the run makes the primary id; absent otherwise means the primary id column.
   */
  readonly key?: readonly string[];
}

export interface MappingSpec {
  /** Target column (or lookup column) to where its value comes from. Absent: every source column goes to the column of its name. */
  readonly columns?: Readonly<Record<string, ColumnSource>>;
  /** What a source column without a target means: one that no entry of `columns` uses or, without `columns`, whose name the table lacks. */
  readonly unmapped: 'error' | 'ignore';
  /** What an empty CSV cell (no quotes) or a JSON null means: `null` clears the column, `omit` leaves it alone. */
  readonly empty: 'null' | 'omit';
}

export interface ColumnSource {
  /** Source column (CSV header or JSON member) by exact name. */
  readonly from: string;
  /** Lookups only: target table, and the alternate key column its value stands for; without `key` the value is a primary id. */
  readonly lookup?: { readonly table: string; readonly key?: string };
}

export interface RunOptions {
  /** Upper bound of requests in flight for this run; the environment's hint and the app's own limit hold anyway. */
  readonly maxLanes?: number;
  /** Rows in one bulk message, 1 to 1,000; absent: as many as measuring says. */
  readonly rowsPerRequest?: number;
  /** Skips custom synchronous and/or asynchronous business logic; needs prvBypassCustomBusinessLogic. */
  readonly bypassBusinessLogic: readonly ('CustomSync' | 'CustomAsync')[];
  /** Ids of the plug-in steps to skip; the organisation allows three unless its settings say otherwise. Needs the same privilege. */
  readonly bypassStepIds?: readonly string[];
  /** Keeps Power Automate triggers from firing. */
  readonly suppressFlows: boolean;
  /** Evaluates duplicate detection rules, which the Web API leaves out by default. */
  readonly duplicateDetection: boolean;
  /** Visible to plug-ins as the shared variable `tag`. */
  readonly tag?: string;
  /** Entra object id of the user to act for. */
  readonly callerObjectId?: string;
  /**
   * Rows of the file with one and the same key: `lastWins` sends the last of them and counts the others as superseded, `reject` sends none
   * of them. Without effect where the run makes the ids itself.
   */
  readonly duplicates: 'lastWins' | 'reject';
  /** The run ends as `stalled` after so long; absent: 24 hours. */
  readonly deadlineMinutes?: number;
  /** The run stops when more rows than this are rejected. */
  readonly tolerate: Tolerance;
}

export interface Tolerance {
  /** Absent: no limit on the number. */
  readonly count?: number;
  /** Absent: no limit on the share. Looked at once 1,000 rows have an outcome. */
  readonly percent?: number;
  /** So many rejected rows in a row, all with one code, are taken for a fault of all rows. */
  readonly inARow: number;
}
