import {
  defaultClientId,
  startEmulator,
  type Clock as EmulatorClock,
  type Emulator,
  type SettingsPatch,
} from 'dataverse-emulator';
import type { Agent } from 'undici';
import { createAgent } from '../../../src/dataverse/agent.ts';
import { createClient, type Client } from '../../../src/dataverse/client.ts';
import type { Credential } from '../../../src/dataverse/credentials.ts';
import { systemClock, type Clock } from '../../../src/dataverse/clock.ts';
import { createIdentityGates } from '../../../src/dataverse/identity-gates.ts';
import { createTokenSource } from '../../../src/dataverse/tokens.ts';
import type { EncodedRow } from '../../../src/mapping/encoded-row.ts';
import { RowMembers } from '../../../src/mapping/row-members.ts';

const columns = [
  { logicalName: 'fan_name', schemaName: 'fan_Name', type: 'String', maxLength: 20, required: true },
  { logicalName: 'fan_code', schemaName: 'fan_Code', type: 'String', maxLength: 50 },
  { logicalName: 'fan_population', schemaName: 'fan_Population', type: 'Integer', minValue: 0, maxValue: 1_000_000 },
];
const kind = {
  logicalName: 'fan_kind',
  schemaName: 'fan_Kind',
  type: 'Picklist',
  options: [
    { value: 1, label: 'City' },
    { value: 2, label: 'Village' },
  ],
};
const parent = {
  logicalName: 'fan_parentid',
  schemaName: 'fan_ParentId',
  type: 'Lookup',
  targets: ['account'],
  navigationProperty: 'fan_ParentId',
};
const founded = { logicalName: 'fan_foundedon', schemaName: 'fan_FoundedOn', type: 'DateTime', behavior: 'DateOnly' };

const schema = {
  tables: [
    {
      logicalName: 'fan_city',
      schemaName: 'fan_City',
      entitySetName: 'fan_cities',
      primaryIdColumn: 'fan_cityid',
      primaryNameColumn: 'fan_name',
      tableType: 'Standard',
      changeTracking: true,
      columns: [...columns, kind, parent, founded],
      keys: [{ name: 'fan_codekey', columns: ['fan_code'], status: 'Active' }],
    },
    {
      logicalName: 'fan_reading',
      schemaName: 'fan_Reading',
      entitySetName: 'fan_readings',
      primaryIdColumn: 'fan_readingid',
      primaryNameColumn: 'fan_name',
      tableType: 'Elastic',
      columns,
      keys: [],
    },
  ],
};

export interface Environment {
  readonly emulator: Emulator;
  readonly client: Client;
  readonly agent: Agent;
}

/** An emulator with the tables of these tests and a client for it. */
export async function openEnvironment(
  options: {
    readonly settings?: SettingsPatch;
    readonly profile?: string;
    readonly clock?: Clock;
    readonly emulatorClock?: EmulatorClock;
    readonly clientIds?: readonly string[];
  } = {},
): Promise<Environment> {
  const emulator = await startEmulator({
    port: 0,
    profile: options.profile ?? 'fast',
    schema: [schema],
    ...(options.emulatorClock !== undefined && { clock: options.emulatorClock }),
    ...(options.settings !== undefined && { settings: options.settings }),
  });
  const clock = options.clock ?? systemClock;
  const agent = createAgent({ connections: 64 });
  const client = createClient({
    connection: { name: 'test', url: emulator.url, clientIds: [], allowLoopbackHttp: true },
    senders: (options.clientIds ?? [defaultClientId]).map((clientId) => ({
      tokens: createTokenSource({ credential: credentialOf(emulator, clientId), origin: emulator.url, clock }),
      gates: createIdentityGates({ clock }),
    })),
    dispatcher: agent,
    clock,
    random: () => 0,
  });
  return { emulator, client, agent };
}

/** What a managed identity does, without a cache in between. */
function credentialOf(emulator: Emulator, clientId: string): Credential {
  const getToken = async () => {
    const url = `${emulator.url}/msi/token?api-version=2019-08-01&resource=${encodeURIComponent(emulator.url)}&client_id=${clientId}`;
    const answer = await fetch(url, { headers: { 'x-identity-header': 'test' } });
    const { access_token, expires_on } = (await answer.json()) as { access_token: string; expires_on: string };
    return { token: access_token, expiresOnTimestamp: Number(expires_on) * 1_000 };
  };
  return { getToken, renew: getToken };
}

export async function close({ emulator, agent }: Environment): Promise<void> {
  await agent.close();
  await emulator.close();
}

export function guid(n: number): string {
  return `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`;
}

export function row(n: number, members = `"fan_name":"row ${n}"`): EncodedRow {
  return { row: n, from: 0, to: 1, members: RowMembers.of(members), key: { kind: 'id', id: guid(n) } };
}

export function rowByCode(n: number, code: string, members = `"fan_name":"row ${n}"`): EncodedRow {
  const literal = Buffer.from(code.replaceAll("'", "''"), 'utf8').toString('latin1');
  return { ...row(n, members), key: { kind: 'alternate', predicate: `fan_code='${literal}'` } };
}

/** Rows of a table by primary id. */
export function tableOf({ emulator }: Environment, logicalName: string): string[] {
  return [...(emulator.database.table(logicalName)?.sortedIds() ?? [])];
}
