import { expect, test } from 'vitest';
import { appSettings, inheritedEnvironment } from '../../../scripts/local-environment.ts';

test('credentials, telemetry targets and settings of other apps in the shell stay out of the local app', () => {
  const env = inheritedEnvironment({
    PATH: '/bin',
    AZURE_CLIENT_SECRET: 'x',
    APPLICATIONINSIGHTS_CONNECTION_STRING: 'x',
    AzureWebJobsStorage: 'x',
    Dataverse__production__url: 'https://contoso.crm.dynamics.com',
    FANOUT_URL: 'x',
    IDENTITY_ENDPOINT: 'x',
    MSI_SECRET: 'x',
  });
  expect(Object.keys(env).toSorted()).toEqual(['NO_PROXY', 'PATH', 'no_proxy']);
});

test('a proxy stays in force for everything but loopback', () => {
  const env = inheritedEnvironment({ HTTPS_PROXY: 'http://proxy:3128', NO_PROXY: 'intranet' });
  expect(env).toEqual({
    HTTPS_PROXY: 'http://proxy:3128',
    NO_PROXY: 'intranet,127.0.0.1,localhost',
    no_proxy: 'intranet,127.0.0.1,localhost',
  });
});

test('the app finds storage, environment and identity on loopback', () => {
  expect(appSettings('UseDevelopmentStorage=true', 'http://127.0.0.1:7080')).toMatchObject({
    AzureWebJobsStorage: 'UseDevelopmentStorage=true',
    Dataverse__main__url: 'http://127.0.0.1:7080',
    IDENTITY_ENDPOINT: 'http://127.0.0.1:7080/msi/token',
    IDENTITY_HEADER: expect.stringMatching(/.+/),
  });
});
