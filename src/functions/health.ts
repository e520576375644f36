import type { HttpResponseInit } from '@azure/functions';
import type { RunsDeps } from './runs-deps.ts';

/** `GET /health`: settings were read (else nothing runs); this asks storage. */
export const health =
  ({ ledger, settings }: RunsDeps) =>
  async (): Promise<HttpResponseInit> => {
    try {
      await ledger.recentRuns(1);
      return { jsonBody: { status: 'ok', connections: [...settings.connections.keys()] } };
    } catch {
      return { status: 503, jsonBody: { status: 'unavailable', reason: 'Blob storage does not answer.' } };
    }
  };
