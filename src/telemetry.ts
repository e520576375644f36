import { ManagedIdentityCredential } from '@azure/identity';
import type { ApplicationInsightsSettings } from './settings.ts';

/**
 * Switches Application Insights on. The library is large, so it is loaded only where settings ask for it; without them this costs nothing.
 * Must run before the first outgoing request to see them all.
 */
export async function startTelemetry(settings: ApplicationInsightsSettings | undefined): Promise<void> {
  if (settings === undefined) return;
  const { useAzureMonitor } = await import('applicationinsights');
  const { connectionString, clientId } = settings;
  const credential = clientId === undefined ? {} : { credential: new ManagedIdentityCredential({ clientId }) };
  useAzureMonitor({ azureMonitorExporterOptions: { connectionString, ...credential }, enableLiveMetrics: false });
}
