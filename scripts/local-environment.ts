import { randomUUID } from 'node:crypto';

/**
 * What the app is told: storage, one connection, and the managed identity endpoint of App Service
 * (learn.microsoft.com/azure/app-service/overview-managed-identity, "REST endpoint reference"), which the emulator answers.
 */
export function appSettings(storageConnectionString: string, emulatorUrl: string): Record<string, string> {
  return {
    FUNCTIONS_WORKER_RUNTIME: 'node',
    AzureWebJobsStorage: storageConnectionString,
    Dataverse__main__url: emulatorUrl,
    FANOUT_ALLOW_LOOPBACK_HTTP: 'true',
    FANOUT_SOURCE_CONTAINERS: 'sources',
    IDENTITY_ENDPOINT: `${emulatorUrl}/msi/token`,
    IDENTITY_HEADER: randomUUID(),
  };
}

/** Settings of other apps, real credentials and telemetry targets that happen to be in the shell stay out of the local app. */
const keptOut = /^(AZURE_|AzureWebJobs|APPLICATIONINSIGHTS_|Dataverse__|FANOUT_|FUNCTIONS_|IDENTITY_|MSI_|WEBSITE_)/i;

/** What the children of the local stack take over from this process. */
export function inheritedEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const inherited = Object.entries(env).filter(([name]) => !keptOut.test(name));
  return { ...Object.fromEntries(inherited), ...loopbackWithoutProxy(env) };
}

/** Variables that keep an HTTP proxy out of the way between local processes. */
export function loopbackWithoutProxy(env: NodeJS.ProcessEnv): { NO_PROXY: string; no_proxy: string } {
  const listed = env['NO_PROXY'] ?? env['no_proxy'] ?? '';
  const value = [...listed.split(',').filter((host) => host !== ''), '127.0.0.1', 'localhost'].join(',');
  return { NO_PROXY: value, no_proxy: value };
}
