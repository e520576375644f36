import type { HttpResponseInit } from '@azure/functions';
import { RestError } from '@azure/storage-blob';
import type { RunsDeps } from './runs-deps.ts';

/** `GET /health`: settings were read, or nothing would run; this asks storage. */
export const health =
  ({ ledger, settings }: RunsDeps) =>
  async (): Promise<HttpResponseInit> => {
    try {
      await ledger.recentRuns(1);
      return { jsonBody: { status: 'ok', connections: [...settings.connections.keys()] } };
    } catch (error) {
      return { status: 503, jsonBody: { status: 'unavailable', reason: reasonOf(error) } };
    }
  };

/** A role that is missing is told by its code. */
function reasonOf(error: unknown): string {
  if (!(error instanceof RestError) || error.statusCode === undefined) return 'Blob storage does not answer.';
  return `Blob storage answers ${error.statusCode} ${error.code ?? ''}`.trimEnd() + '.';
}
