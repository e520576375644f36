import { toJson } from '../json.ts';

export const webhookPath = '/runtime/webhooks/durabletask';
/** Where the app's own durable clients call; reachable on loopback only, without a key. */
export const rpcPath = '/durabletask/';

const instancePlaceholder = 'INSTANCEID';

export interface UrlOptions {
  readonly origin: string;
  readonly hubName: string;
  readonly systemKey: string;
}

function query({ hubName, systemKey }: UrlOptions): string {
  return `taskHub=${encodeURIComponent(hubName)}&connection=Storage&code=${encodeURIComponent(systemKey)}`;
}

/** The links that clients get for an instance. */
export function managementUrls(options: UrlOptions, id: string): Record<string, string> {
  const base = `${options.origin}${webhookPath}/instances/${id === instancePlaceholder ? id : encodeURIComponent(id)}`;
  const common = query(options);
  return {
    id,
    statusQueryGetUri: `${base}?${common}`,
    sendEventPostUri: `${base}/raiseEvent/{eventName}?${common}`,
    terminatePostUri: `${base}/terminate?reason={text}&${common}`,
    rewindPostUri: `${base}/rewind?reason={text}&${common}`,
    purgeHistoryDeleteUri: `${base}?${common}`,
    restartPostUri: `${base}/restart?${common}`,
    suspendPostUri: `${base}/suspend?reason={text}&${common}`,
    resumePostUri: `${base}/resume?reason={text}&${common}`,
  };
}

/** The document behind a durable client input (npm durable-functions, lib/src/durableClient/OrchestrationClientInputData.js). */
export function clientInput(options: UrlOptions): string {
  const base = `${options.origin}${webhookPath}`;
  const orchestrators = `${base}/orchestrators/{functionName}[/{instanceId}]?code=${encodeURIComponent(options.systemKey)}`;
  return toJson({
    taskHubName: options.hubName,
    connectionName: 'Storage',
    creationUrls: {
      createNewInstancePostUri: orchestrators,
      createAndWaitOnNewInstancePostUri: `${orchestrators}&timeout={timeoutInSeconds}&pollingInterval={intervalInSeconds}`,
    },
    managementUrls: managementUrls(options, instancePlaceholder),
    baseUrl: base,
    requiredQueryStringParameters: `code=${encodeURIComponent(options.systemKey)}`,
    rpcBaseUrl: `${options.origin}${rpcPath}`,
  });
}
