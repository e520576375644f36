import { StartError } from '../errors.ts';
import { defaultBodyLimitBytes } from '../http/body.ts';
import type { LocalSettings } from './local-settings.ts';

/** The variables an app finds besides those that exist already: what the Functions host sets, then the app's own settings. */
export function hostEnvironment(
  extra: Readonly<Record<string, string>>,
  local: LocalSettings,
  port: number,
): Record<string, string> {
  return {
    FUNCTIONS_WORKER_RUNTIME: 'node',
    AZURE_FUNCTIONS_ENVIRONMENT: 'Development',
    ...local.values,
    ...extra,
    // Durable clients rewrite their URLs to localhost:7071 without it.
    WEBSITE_HOSTNAME: `127.0.0.1:${port}`,
  };
}

const newestSchemaVersion = 3;

/** The action format offered to durable-functions; FUNCTIONS_HOST_DURABLE_SCHEMA matches it to an older deployed extension. */
export function durableSchemaVersion(environment: NodeJS.ProcessEnv): number {
  const wanted = environment['FUNCTIONS_HOST_DURABLE_SCHEMA'];
  const version = wanted === undefined ? newestSchemaVersion : Number(wanted);
  if (version === 1 || version === 2 || version === newestSchemaVersion) return version;
  throw new StartError(`FUNCTIONS_HOST_DURABLE_SCHEMA must be 1, 2 or 3, not "${wanted ?? ''}".`);
}

/** Whether errors are sanitised as in Azure, from FUNCTIONS_HOST_SANITIZE_ERRORS. */
export function sanitizesErrors(environment: NodeJS.ProcessEnv): boolean {
  const wanted = environment['FUNCTIONS_HOST_SANITIZE_ERRORS'] ?? 'false';
  if (wanted === 'true' || wanted === 'false') return wanted === 'true';
  throw new StartError(`FUNCTIONS_HOST_SANITIZE_ERRORS must be true or false, not "${wanted}".`);
}

/** The largest request body in bytes, from FUNCTIONS_REQUEST_BODY_SIZE_LIMIT. */
export function bodyLimit(environment: NodeJS.ProcessEnv): number {
  const wanted = environment['FUNCTIONS_REQUEST_BODY_SIZE_LIMIT'];
  const limitBytes = wanted === undefined ? defaultBodyLimitBytes : Number(wanted);
  if (Number.isInteger(limitBytes) && limitBytes > 0) return limitBytes;
  throw new StartError(`FUNCTIONS_REQUEST_BODY_SIZE_LIMIT must be a number of bytes, not "${wanted ?? ''}".`);
}
