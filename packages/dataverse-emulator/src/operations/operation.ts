import type { Work } from '../latency/latency-model.ts';
import type { Preferences } from '../odata/preferences.ts';
import type { ResourcePath } from '../odata/resource-path.ts';
import type { ApplicationUserSetting, Settings } from '../settings/settings.ts';
import type { Clock } from '../basics/clock.ts';
import type { Random } from '../basics/random.ts';
import type { PluginLog } from '../plugins/plugin-log.ts';
import type { CommitInfo, Database, Transaction } from '../store/database.ts';
import type { RecentWrites } from '../store/recent-writes.ts';
import { payloadError } from '../errors.ts';
import { isJsonObject, nestingDepth, parseJson, type JsonObject } from '../basics/json.ts';

/** Who a request runs as. */
export interface Caller {
  readonly user: ApplicationUserSetting;
  readonly systemUserId: string;
  /** Set when another user is impersonated: rows are then stamped with that user. */
  readonly impersonatedUserId: string | undefined;
  /** Privileges that the caller or the user it impersonates lacks. */
  readonly denied: readonly string[];
}

/** What every operation works on. */
export interface Environment {
  readonly database: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly plugins: PluginLog;
  readonly recentWrites: RecentWrites;
  readonly organizationId: string;
  readonly businessUnitId: string;
  /** Current settings; they may change between two calls. */
  settings(): Settings;
  /** `http://127.0.0.1:7080`. */
  origin(): string;
  /** Work that goes on after the answer; dropped when the emulator closes before. */
  later(delayMs: number, info: Omit<CommitInfo, 'atMs'>, run: (transaction: Transaction) => void): void;
}

/** One operation's request, from the wire or from inside a batch. */
export interface ApiRequest {
  readonly method: string;
  readonly path: ResourcePath;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly preferences: Preferences;
  readonly body: string;
  readonly requestId: string;
  readonly caller: Caller;
}

export interface ApiResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A request that was understood: what it costs is known before it runs. */
export interface Plan {
  readonly work: Work;
  /** Runs in the transaction; throwing takes everything in it back. */
  execute(transaction: Transaction): ApiResponse;
}

export type Operation = (environment: Environment, request: ApiRequest) => Plan;

export const readWork: Work = { kind: 'read', isWrite: false, rows: {} };

export const jsonContentType = 'application/json; odata.metadata=minimal';

export function jsonResponse(
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): ApiResponse {
  return { status, headers: { 'Content-Type': jsonContentType, ...headers }, body: JSON.stringify(value) };
}

export const noContent: ApiResponse = { status: 204, headers: {}, body: '' };

export function apiRoot(environment: Environment, request: ApiRequest): string {
  return `${environment.origin()}/api/data/${request.path.version}`;
}

/** The default of the library the service is built on: learn.microsoft.com/dotnet/api/microsoft.odata.odatamessagequotas */
const maxNestingDepth = 100;

/** The body as a JSON object; 400 when it is none. */
export function parseBody(request: ApiRequest, entitySetName: string): JsonObject {
  if (nestingDepth(request.body) > maxNestingDepth)
    throw payloadError(entitySetName, `The payload is nested deeper than the maximum of ${maxNestingDepth}.`);
  let value: unknown;
  try {
    // A byte order mark is no part of the text.
    value = parseJson(request.body.replace(/^\ufeff/, ''));
  } catch (error) {
    throw payloadError(entitySetName, `The payload is not valid JSON: ${error instanceof Error ? error.message : ''}`);
  }
  if (!isJsonObject(value)) throw payloadError(entitySetName, 'An object was expected in the payload.');
  return value;
}

/** The time as the environment tells it. Its limits, latencies and tokens go by the clock itself. */
export function toldNowMs({ clock, settings }: Pick<Environment, 'clock' | 'settings'>): number {
  return clock.now() + settings().clockSkewSeconds * 1000;
}

export function iso(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
