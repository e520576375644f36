import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseTimeSpan } from '../../packages/functions-host/src/settings/host-json.ts';
import { requestTimeoutMs } from '../../src/dataverse/send.ts';
import { longestBoxSeconds } from '../../src/plan/governor.ts';

const read = (path: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')) as unknown;

const host = read('host.json') as {
  readonly functionTimeout: string;
  readonly extensionBundle: { readonly id: string; readonly version: string };
};

/**
 * What the Functions host and the Durable extension of bundle 4 read, of the parts that host.json uses. A misspelt name is ignored there
 * without a word. (github.com/Azure/azure-functions-host, HostJsonFileConfigurationSource.cs, ApplicationInsightsLoggerOptionsSetup.cs;
 * github.com/Azure/azure-functions-durable-extension, DurableTaskOptions.cs, TraceOptions.cs;
 * learn.microsoft.com/azure/azure-functions/functions-host-json)
 */
const known: Readonly<Record<string, readonly string[]>> = {
  '': ['version', 'functionTimeout', 'extensionBundle', 'logging', 'extensions', 'healthMonitor', 'retry', 'singleton'],
  extensionBundle: ['id', 'version'],
  logging: ['logLevel', 'applicationInsights', 'console', 'fileLoggingMode'],
  'logging.applicationInsights': ['samplingSettings', 'enableLiveMetrics', 'httpAutoCollectionOptions'],
  'logging.applicationInsights.samplingSettings': [
    'isEnabled',
    'maxTelemetryItemsPerSecond',
    'initialSamplingPercentage',
    'minSamplingPercentage',
    'maxSamplingPercentage',
    'includedTypes',
    'excludedTypes',
  ],
  extensions: ['http', 'durableTask'],
  'extensions.http': ['routePrefix', 'maxConcurrentRequests', 'maxOutstandingRequests', 'dynamicThrottlesEnabled'],
  'extensions.durableTask': [
    'hubName',
    'storageProvider',
    'tracing',
    'maxConcurrentActivityFunctions',
    'maxConcurrentOrchestratorFunctions',
    'maxConcurrentEntityFunctions',
    'maxEntityOperationBatchSize',
    'maxOrchestrationActions',
    'overridableExistingInstanceStates',
    'storeInputsInOrchestrationHistory',
    'useGracefulShutdown',
  ],
  'extensions.durableTask.tracing': [
    'traceInputsAndOutputs',
    'traceReplayEvents',
    'distributedTracingEnabled',
    'version',
  ],
};
/** Categories of log lines, whose names are open. */
const isOpen = (path: string): boolean => path === 'logging.logLevel';

function unknownNames(value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null || isOpen(path)) return [];
  return Object.entries(value).flatMap(([name, member]) => {
    const full = path === '' ? name : `${path}.${name}`;
    return known[path]?.includes(name) ? unknownNames(member, full) : [full];
  });
}

describe('host.json', () => {
  it('holds only names that the Functions host knows', () => {
    expect(unknownNames(host)).toEqual([]);
    expect(unknownNames({ extensions: { durableTask: { maxActivities: 5 } } })).toHaveLength(1);
  });

  /** learn.microsoft.com/azure/azure-functions/flex-consumption-plan#considerations */
  it('names the bundle that Flex Consumption takes', () => {
    expect(host.extensionBundle).toEqual({
      id: 'Microsoft.Azure.Functions.ExtensionBundle',
      version: '[4.*, 5.0.0)',
    });
  });

  /** A lane ends with its box, but for the request under way and the parts it then writes. Reading a large source takes longest. */
  it('gives functions several times what the longest wave takes', () => {
    const longestWaveMs = longestBoxSeconds * 1_000 + requestTimeoutMs;
    expect(parseTimeSpan(host.functionTimeout)).toBeGreaterThan(4 * longestWaveMs);
  });
});

describe('local.settings.sample.json', () => {
  it('is what func start reads', () => {
    const sample = read('local.settings.sample.json') as {
      readonly Values: Readonly<Record<string, string>>;
    };
    expect(sample).toMatchObject({
      IsEncrypted: false,
      Values: { FUNCTIONS_WORKER_RUNTIME: 'node', AzureWebJobsStorage: 'UseDevelopmentStorage=true' },
      Host: { LocalHttpPort: 7071 },
    });
    expect(Object.values(sample.Values).filter((value) => typeof value !== 'string')).toEqual([]);
  });
});
