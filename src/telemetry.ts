import { ManagedIdentityCredential } from '@azure/identity';
import type { AzureMonitorOpenTelemetryOptions } from 'applicationinsights';
import type { ApplicationInsightsSettings } from './settings.ts';

/**
 * Switches Application Insights on. The library is large, so it is loaded only where settings ask for it; without them this costs nothing.
 * Must run before the first outgoing request to see them all. It hears of storage calls and of the process; requests to Dataverse, whose
 * addresses may hold keys of rows, are none of its business.
 */
export async function startTelemetry(settings: ApplicationInsightsSettings | undefined): Promise<void> {
  if (settings === undefined) return;
  const { useAzureMonitor } = await import('applicationinsights');
  const { connectionString, clientId } = settings;
  const credential = clientId === undefined ? {} : { credential: new ManagedIdentityCredential({ clientId }) };
  useAzureMonitor({
    azureMonitorExporterOptions: { connectionString, ...credential },
    enableLiveMetrics: false,
    spanProcessors: [withoutExceptions],
  });
}

type SpanProcessor = NonNullable<AzureMonitorOpenTelemetryOptions['spanProcessors']>[number];

/**
 * The ledger asks for blobs that may not be there and writes only those that are not; each such answer would count as an exception of the
 * app, and hide the real ones. As the result of a call it is still told.
 */
const withoutExceptions: SpanProcessor = {
  onStart: () => undefined,
  onEnd(span) {
    span.events.length = 0;
  },
  forceFlush: async () => Promise.resolve(),
  shutdown: async () => Promise.resolve(),
};
