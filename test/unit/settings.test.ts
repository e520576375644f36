import { describe, expect, it } from 'vitest';
import { loadSettings, SettingsError } from '../../src/settings.ts';

const smallest = {
  AzureWebJobsStorage: 'UseDevelopmentStorage=true',
  Dataverse__main__url: 'https://contoso.crm4.dynamics.com',
};

function faultsOf(env: Record<string, string>): readonly string[] {
  try {
    loadSettings(env);
    return [];
  } catch (error) {
    if (error instanceof SettingsError) return error.faults;
    throw error;
  }
}

describe('loadSettings', () => {
  it('fills in defaults', () => {
    expect(loadSettings(smallest)).toMatchObject({
      storage: { connectionString: 'UseDevelopmentStorage=true' },
      sourceContainers: ['sources'],
      runsContainer: 'fanout-runs',
      syncsContainer: 'fanout-syncs',
      syncSchedule: '0 */5 * * * *',
      maxLanes: 256,
      hasManagedIdentity: false,
      applicationInsights: undefined,
    });
  });

  it('reads several identities of a connection, each once', () => {
    const [one, two] = ['0b0c0d0e-0000-4000-8000-000000000001', '0b0c0d0e-0000-4000-8000-00000000000A'];
    const of = (clientIds: string) => ({ ...smallest, Dataverse__main__clientIds: clientIds });
    const { connections } = loadSettings(of(` ${one}, ${two} ,`));
    expect(connections.get('main')?.clientIds).toEqual([one, two.toLowerCase()]);
    expect(loadSettings(of(' ')).connections.get('main')?.clientIds).toEqual([]);
    expect(faultsOf(of(`${two},${two.toLowerCase()}`))).toEqual([
      'Dataverse__main__clientIds: an identity is named twice.',
    ]);
    expect(faultsOf(of('abc'))).toEqual(['Dataverse__main__clientIds: a client id is a GUID, not "abc".']);
  });

  it('refuses settings of a connection that do not exist', () => {
    expect(faultsOf({ ...smallest, Dataverse__main__clientId: '0b0c0d0e-0000-4000-8000-000000000001' })).toEqual([
      'Dataverse__main__clientId: no such setting; a connection has url, clientIds, maxDop, beyondHint and serverAffinity.',
    ]);
  });

  it('reads every connection with its identity and bound', () => {
    const { connections } = loadSettings({
      ...smallest,
      Dataverse__test__url: 'https://contoso-test.crm4.dynamics.com/',
      Dataverse__test__clientIds: '0b0c0d0e-0000-4000-8000-000000000000',
      Dataverse__test__maxDop: '12',
    });
    expect([...connections.keys()]).toEqual(['main', 'test']);
    expect(connections.get('test')).toMatchObject({
      url: 'https://contoso-test.crm4.dynamics.com',
      clientIds: ['0b0c0d0e-0000-4000-8000-000000000000'],
      maxDop: 12,
    });
  });

  it('reads storage by identity', () => {
    const env = {
      Dataverse__main__url: smallest.Dataverse__main__url,
      AzureWebJobsStorage__accountName: 'contosobulk',
      AzureWebJobsStorage__clientId: 'id',
    };
    expect(loadSettings(env).storage).toEqual({
      blobServiceUri: 'https://contosobulk.blob.core.windows.net',
      clientId: 'id',
    });
  });

  it('reads the identity that sends telemetry', () => {
    const env = {
      ...smallest,
      APPLICATIONINSIGHTS_CONNECTION_STRING: 'InstrumentationKey=x',
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'Authorization=AAD;ClientId=abc',
    };
    expect(loadSettings(env).applicationInsights).toEqual({
      connectionString: 'InstrumentationKey=x',
      clientId: 'abc',
    });
  });

  it('lists all faults at once, each with the name of its setting', () => {
    const faults = faultsOf({
      Dataverse__main__url: 'http://contoso.crm4.dynamics.com',
      Dataverse__main__maxDop: '0',
      FANOUT_MAX_LANES: '2000',
      FANOUT_SOURCE_CONTAINERS: 'good,Bad',
      FANOUT_ALLOW_LOOPBACK_HTTP: 'maybe',
    });
    expect(faults.map((fault) => fault.split(':')[0]).toSorted()).toEqual([
      'AzureWebJobsStorage',
      'Dataverse__main__maxDop',
      'Dataverse__main__url',
      'FANOUT_ALLOW_LOOPBACK_HTTP',
      'FANOUT_MAX_LANES',
      'FANOUT_SOURCE_CONTAINERS',
    ]);
  });

  it.each(['0 */5 * * * *', '0 0 6-22/2 * * mon-fri', '30 0,15 9 1 January,jul Sunday', '5/15 * * * * *'])(
    'takes the schedule %s',
    (schedule) => expect(faultsOf({ ...smallest, FANOUT_SYNC_SCHEDULE: schedule })).toEqual([]),
  );

  it.each([
    ['*/5 * * * *', 'six fields (second minute hour day month weekday), it has 5'],
    ['00:05:00', 'it has 1'],
    ['0 60 * * * *', 'a minute that'],
    ['0 */0 * * * *', 'a minute that'],
    ['0 0 18-9 * * *', 'an hour that'],
    ['0 0 0 0 * *', 'a day that'],
    ['0 0 0 L * *', 'a day that'],
    ['0 0 0 * * 7', 'a weekday that'],
    ['0 0 0 * * mon-', 'a weekday that'],
  ])('refuses the schedule %s', (schedule, why) => {
    const faults = faultsOf({ ...smallest, FANOUT_SYNC_SCHEDULE: schedule });
    expect(faults).toEqual([expect.stringMatching(/^FANOUT_SYNC_SCHEDULE: the schedule /)]);
    expect(faults[0]).toContain(why);
    expect(faults[0]).toContain(`it is "${schedule}"`);
  });

  it('wants at least one connection', () => {
    expect(faultsOf({ AzureWebJobsStorage: 'UseDevelopmentStorage=true' })).toHaveLength(1);
  });

  it.each([
    ['https://contoso.crm.dynamics.com:8443', 'a port'],
    ['https://user:secret@contoso.crm.dynamics.com', 'user information'],
    ['https://contoso.crm.dynamics.com/api', 'a path'],
    ['http://127.0.0.1:7080', 'plain http where the local flag is off'],
  ])('refuses %s for %s, without repeating secrets', (url) => {
    const faults = faultsOf({ ...smallest, Dataverse__main__url: url });
    expect(faults).toHaveLength(1);
    expect(faults[0]).not.toContain('secret');
  });

  it('takes plain http on loopback, and nowhere else, when the local flag is on', () => {
    const local = { ...smallest, FANOUT_ALLOW_LOOPBACK_HTTP: 'true' };
    expect(faultsOf({ ...local, Dataverse__main__url: 'http://127.0.0.1:7080' })).toEqual([]);
    expect(faultsOf({ ...local, Dataverse__main__url: 'http://127.0.0.1.example.com' })).toHaveLength(1);
  });
});
