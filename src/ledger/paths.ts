/** Names of a run's blobs inside the container of runs. Row numbers are padded so that a listing is in row order. */
const rowDigits = 12;

const folder = (runId: string): string => `runs/${runId}/`;

const markOf = (row: number, dueAt?: string): string =>
  String(row).padStart(rowDigits, '0') + (dueAt === undefined ? '' : `.${Date.parse(dueAt)}`);

/** The row that the name of a mark begins with. */
export const rowOfMark = (blobName: string): number =>
  Number.parseInt(blobName.slice(blobName.lastIndexOf('/') + 1), 10);

export const paths = {
  manifest: (runId: string) => `${folder(runId)}manifest.json`,
  mapping: (runId: string) => `${folder(runId)}mapping.json`,
  index: (runId: string) => `${folder(runId)}index.bin`,
  cancel: (runId: string) => `${folder(runId)}cancel`,
  plan: (runId: string) => `${folder(runId)}plan.json`,
  report: (runId: string) => `${folder(runId)}report.json`,
  failures: (runId: string, format: FailuresFormat) => `${folder(runId)}failures.${format}`,
  repeated: (runId: string) => `${folder(runId)}repeated.bin`,
  spool: (runId: string) => `${folder(runId)}spool.json`,
  spooledRows: (runId: string) => `${folder(runId)}spool.rows`,
  rowMap: (runId: string) => `${folder(runId)}spool.map`,
  child: (runId: string, childId: string) => `${folder(runId)}children/${childId}`,
  children: (runId: string) => `${folder(runId)}children/`,
  pause: (runId: string) => `${folder(runId)}pause`,
  parts: (runId: string) => `${folder(runId)}parts/`,
  part: (runId: string, firstRow: number) => `${folder(runId)}parts/${String(firstRow).padStart(rowDigits, '0')}.json`,
  intents: (runId: string) => `${folder(runId)}intents/`,
  intent: (runId: string, firstRow: number, dueAt?: string) => `${folder(runId)}intents/${markOf(firstRow, dueAt)}`,
  untoucheds: (runId: string) => `${folder(runId)}untouched/`,
  untouched: (runId: string, firstRow: number) =>
    `${folder(runId)}untouched/${String(firstRow).padStart(rowDigits, '0')}`,
  contests: (runId: string) => `${folder(runId)}contested/`,
  contested: (runId: string, firstRow: number, dueAt?: string) =>
    `${folder(runId)}contested/${markOf(firstRow, dueAt)}`,
  live: (runId: string) => `${folder(runId)}live/`,
  liveOf: (runId: string, hostInstance: string) => `${folder(runId)}live/${hostInstance}`,
  /** Newest first in a listing, because listings are ascending. */
  recent: (createdMs: number, runId: string) =>
    `recent/${String(9_999_999_999_999 - createdMs).padStart(13, '0')}-${runId}`,
  /** By connection, table and operation, which are names of settings and of Dataverse: letters, digits and _. */
  cost: (key: CostKey) => `costs/${key.connection}/${key.table}/${key.operation}.json`,
  sync: (name: string) => `syncs/${name}.json`,
  recentPrefix: 'recent/',
} as const;

/** What a cost was measured for. */
export interface CostKey {
  readonly connection: string;
  readonly table: string;
  readonly operation: string;
}

/** `jsonl` holds everything and is for programs, `csv` has the original columns and is for people. */
export type FailuresFormat = 'jsonl' | 'csv';

/** First row of the part a blob name stands for. */
export const firstRowOf = (blobName: string): number =>
  Number(blobName.slice(blobName.lastIndexOf('/') + 1, -'.json'.length));

export const runIdOfRecent = (blobName: string): string => blobName.slice('recent/'.length + 14);
