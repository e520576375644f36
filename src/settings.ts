import { checkConnectionUrl, type Connection } from './dataverse/connection.ts';
import { maxDop } from './plan/bounds.ts';
import { countFaults } from './plan/fault.ts';
import { scheduleFault } from './sync-schedule.ts';

/** Everything the app reads from its environment, checked once at start. */
export interface Settings {
  readonly connections: ReadonlyMap<string, Connection>;
  readonly storage: StorageSettings;
  readonly sourceContainers: readonly string[];
  readonly runsContainer: string;
  readonly syncsContainer: string;
  /** NCRONTAB, six fields. */
  readonly syncSchedule: string;
  readonly maxLanes: number;
  /** How long a request that nobody heard of again may still take effect. */
  readonly settleSeconds: number;
  /** The platform offers a managed identity (or the emulator plays one). */
  readonly hasManagedIdentity: boolean;
  readonly applicationInsights: ApplicationInsightsSettings | undefined;
}

export interface ApplicationInsightsSettings {
  readonly connectionString: string;
  /** Client id of the identity that sends telemetry; absent: the connection string alone authorises it. */
  readonly clientId: string | undefined;
}

export type StorageSettings =
  { readonly connectionString: string } | { readonly blobServiceUri: string; readonly clientId: string | undefined };

/** Settings are missing or wrong. Lists every fault, so that one deployment mends all. */
export class SettingsError extends Error {
  readonly kind = 'settings';
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(`The app settings have ${countFaults(faults)}:\n${faults.map((fault) => `- ${fault}`).join('\n')}`);
    this.name = 'SettingsError';
    this.faults = faults;
  }
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** One app setting: the source of the table in docs/operations.md and of the check that samples and infrastructure name the same keys. */
export interface SettingDeclaration {
  readonly name: string;
  readonly description: string;
  readonly range: string;
  /** Absent: required, or without effect when missing (the description says which). */
  readonly default?: string;
}

export const settingDeclarations: readonly SettingDeclaration[] = [
  {
    name: 'AzureWebJobsStorage',
    description: 'Storage of host, sources and ledger as a connection string. Local use.',
    range: 'connection string',
  },
  {
    name: 'AzureWebJobsStorage__accountName',
    description: 'The same by identity: name of the account.',
    range: '3 to 24 of a-z, 0-9',
  },
  {
    name: 'AzureWebJobsStorage__blobServiceUri',
    description: 'The same by identity: address of the blob service.',
    range: 'https URL',
  },
  {
    name: 'AzureWebJobsStorage__clientId',
    description: 'Client id of the user-assigned identity that reads and writes storage.',
    range: 'GUID',
  },
  {
    name: 'Dataverse__{name}__url',
    description: 'Environment of the connection {name}; at least one is required.',
    range: 'https origin',
  },
  {
    name: 'Dataverse__{name}__clientIds',
    description:
      'User-assigned identities for that environment, separated by commas, each an application user there; absent: the system-assigned one.',
    range: 'GUIDs',
  },
  {
    name: 'Dataverse__{name}__maxDop',
    description: 'Bound of requests in flight to that environment, over all runs.',
    range: `1 to ${maxDop}`,
  },
  {
    name: 'Dataverse__{name}__beyondHint',
    description:
      'Lets the governor look for the ceiling beyond the degree of parallelism that the environment recommends.',
    range: 'true or false',
    default: 'false',
  },
  {
    name: 'Dataverse__{name}__serverAffinity',
    description:
      'auto: the governor may keep each lane on one web server, by the affinity cookie, where that proves better than any server.',
    range: 'off or auto',
    default: 'off',
  },
  {
    name: 'FANOUT_SOURCE_CONTAINERS',
    description: 'Blob containers that specs may name, separated by commas.',
    range: 'container names',
    default: 'sources',
  },
  {
    name: 'FANOUT_RUNS_CONTAINER',
    description: 'Blob container of the ledger.',
    range: 'container name',
    default: 'fanout-runs',
  },
  {
    name: 'FANOUT_SYNCS_CONTAINER',
    description: 'Blob container of sync definitions.',
    range: 'container name',
    default: 'fanout-syncs',
  },
  {
    name: 'FANOUT_SYNC_SCHEDULE',
    description: 'When syncs look for changed sources.',
    range: 'NCRONTAB, six fields',
    default: '0 */5 * * * *',
  },
  {
    name: 'FANOUT_MAX_LANES',
    description: 'Bound of requests in flight of one run.',
    range: `1 to ${maxDop}`,
    default: '256',
  },
  {
    name: 'FANOUT_SETTLE_SECONDS',
    description: 'How long a run that ends early waits before it takes rows it lost sight of for not written.',
    range: `1 to ${maxDop}`,
    default: '360',
  },
  {
    name: 'FANOUT_ALLOW_LOOPBACK_HTTP',
    description: 'Lets connections use plain http on loopback, for the emulator.',
    range: 'true or false',
    default: 'false',
  },
  {
    name: 'APPLICATIONINSIGHTS_CONNECTION_STRING',
    description: 'Switches Application Insights on.',
    range: 'connection string',
  },
  {
    name: 'APPLICATIONINSIGHTS_AUTHENTICATION_STRING',
    description: 'Telemetry by identity: Authorization=AAD;ClientId={guid}.',
    range: 'text',
  },
];

const defaultOf = (name: string): string =>
  settingDeclarations.find((declared) => declared.name === name)?.default ?? '';

/** @throws SettingsError with every fault */
export function loadSettings(env: Environment): Settings {
  const faults: string[] = [];
  const text = (name: string): string => valueOf(env, name) ?? defaultOf(name);
  const settings: Settings = {
    connections: readConnections(env, faults),
    storage: readStorage(env, faults),
    sourceContainers: text('FANOUT_SOURCE_CONTAINERS')
      .split(',')
      .map((container) => containerOf('FANOUT_SOURCE_CONTAINERS', container.trim(), faults)),
    runsContainer: containerOf('FANOUT_RUNS_CONTAINER', text('FANOUT_RUNS_CONTAINER'), faults),
    syncsContainer: containerOf('FANOUT_SYNCS_CONTAINER', text('FANOUT_SYNCS_CONTAINER'), faults),
    syncSchedule: scheduleOf('FANOUT_SYNC_SCHEDULE', text('FANOUT_SYNC_SCHEDULE'), faults),
    maxLanes: integerOf('FANOUT_MAX_LANES', text('FANOUT_MAX_LANES'), faults),
    settleSeconds: integerOf('FANOUT_SETTLE_SECONDS', text('FANOUT_SETTLE_SECONDS'), faults),
    hasManagedIdentity: valueOf(env, 'IDENTITY_ENDPOINT') !== undefined,
    applicationInsights: readApplicationInsights(env),
  };
  if (faults.length > 0) throw new SettingsError(faults);
  return settings;
}

/** Reads the settings of this process. */
export const loadProcessSettings = (): Settings => loadSettings(process.env);

const valueOf = (env: Environment, name: string): string | undefined => {
  const value = env[name]?.trim();
  return value === '' ? undefined : value;
};

function readConnections(env: Environment, faults: string[]): ReadonlyMap<string, Connection> {
  const allowLoopbackHttp = booleanOf(env, 'FANOUT_ALLOW_LOOPBACK_HTTP', faults);
  const connections = new Map<string, Connection>();
  for (const key of Object.keys(env).toSorted()) {
    const name = /^Dataverse__(.+)__url$/.exec(key)?.[1];
    if (name === undefined) continue;
    if (!/^[A-Za-z][A-Za-z0-9]{0,31}$/.test(name))
      faults.push(`${key}: a connection's name is 1 to 32 letters and digits, a letter first, not "${name}".`);
    const url = valueOf(env, key) ?? '';
    const checked = checkConnectionUrl(url, { allowLoopbackHttp });
    if (!checked.ok) faults.push(`${key}: the URL ${checked.fault}.`);
    const maxDopText = valueOf(env, `Dataverse__${name}__maxDop`);
    connections.set(name, {
      name,
      url: checked.ok ? checked.origin : url,
      allowLoopbackHttp,
      clientIds: clientIdsOf(env, name, faults),
      beyondHint: booleanOf(env, `Dataverse__${name}__beyondHint`, faults),
      serverAffinity: serverAffinityOf(env, `Dataverse__${name}__serverAffinity`, faults),
      ...(maxDopText === undefined ? {} : { maxDop: integerOf(`Dataverse__${name}__maxDop`, maxDopText, faults) }),
    });
  }
  faults.push(...unknownConnectionSettings(env));
  if (connections.size === 0)
    faults.push('Dataverse__{name}__url: no connection is configured; at least one is required.');
  return connections;
}

/** A misspelt setting would leave a connection under another identity than was meant. */
function unknownConnectionSettings(env: Environment): string[] {
  return Object.keys(env)
    .filter((key) => key.startsWith('Dataverse__') && !/__(url|clientIds|maxDop|beyondHint|serverAffinity)$/.test(key))
    .map((key) => `${key}: no such setting; a connection has url, clientIds, maxDop, beyondHint and serverAffinity.`);
}

/** An identity named twice would get a budget that it does not have. */
function clientIdsOf(env: Environment, name: string, faults: string[]): readonly string[] {
  const key = `Dataverse__${name}__clientIds`;
  const clientIds = (valueOf(env, key) ?? '')
    .split(',')
    .map((clientId) => clientId.trim().toLowerCase())
    .filter((clientId) => clientId !== '');
  for (const clientId of clientIds) {
    if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(clientId))
      faults.push(`${key}: a client id is a GUID, not "${clientId}".`);
  }
  if (new Set(clientIds).size < clientIds.length) faults.push(`${key}: an identity is named twice.`);
  return clientIds;
}

function readStorage(env: Environment, faults: string[]): StorageSettings {
  const connectionString = valueOf(env, 'AzureWebJobsStorage');
  if (connectionString !== undefined) return { connectionString };
  const account = valueOf(env, 'AzureWebJobsStorage__accountName');
  const uri =
    valueOf(env, 'AzureWebJobsStorage__blobServiceUri') ?? (account && `https://${account}.blob.core.windows.net`);
  if (uri === undefined || !URL.canParse(uri) || new URL(uri).protocol !== 'https:') {
    faults.push(
      'AzureWebJobsStorage: set it, or AzureWebJobsStorage__accountName, or AzureWebJobsStorage__blobServiceUri (https).',
    );
  }
  return { blobServiceUri: uri ?? '', clientId: valueOf(env, 'AzureWebJobsStorage__clientId') };
}

function readApplicationInsights(env: Environment): ApplicationInsightsSettings | undefined {
  const connectionString = valueOf(env, 'APPLICATIONINSIGHTS_CONNECTION_STRING');
  if (connectionString === undefined) return undefined;
  // learn.microsoft.com/azure/azure-functions/functions-app-settings#applicationinsights_authentication_string
  const authentication = valueOf(env, 'APPLICATIONINSIGHTS_AUTHENTICATION_STRING') ?? '';
  return { connectionString, clientId: /(?:^|;)ClientId=([^;]+)/i.exec(authentication)?.[1] };
}

function integerOf(name: string, text: string, faults: string[]): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= 1 && value <= maxDop))
    faults.push(`${name}: must be a whole number from 1 to ${maxDop}; it is "${text}".`);
  return value;
}

function booleanOf(env: Environment, name: string, faults: string[]): boolean {
  const value = (valueOf(env, name) ?? 'false').toLowerCase();
  if (value !== 'true' && value !== 'false') faults.push(`${name}: must be true or false; it is "${value}".`);
  return value === 'true';
}

function serverAffinityOf(env: Environment, name: string, faults: string[]): 'off' | 'auto' {
  const value = (valueOf(env, name) ?? 'off').toLowerCase();
  if (value !== 'off' && value !== 'auto') faults.push(`${name}: must be off or auto; it is "${value}".`);
  return value === 'auto' ? 'auto' : 'off';
}

function scheduleOf(name: string, schedule: string, faults: string[]): string {
  const fault = scheduleFault(schedule);
  if (fault !== undefined) faults.push(`${name}: the schedule ${fault}; it is "${schedule}".`);
  return schedule;
}

function containerOf(name: string, container: string, faults: string[]): string {
  if (!/^(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/.test(container)) {
    faults.push(`${name}: must be a container name (3 to 63 of a-z, 0-9 and single -); it is "${container}".`);
  }
  return container;
}
