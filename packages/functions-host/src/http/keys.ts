import { randomBytes } from 'node:crypto';
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StartError } from '../errors.ts';
import { readJsonFile } from '../settings/json-file.ts';

/** The keys of a host (learn.microsoft.com/azure/azure-functions/function-keys-how-to). */
export interface HostKeys {
  readonly path: string;
  /** Opens everything, and alone what asks for `admin`. */
  readonly master: string;
  /** Opens functions with auth level `function`. */
  readonly function: string;
  /** Opens the Durable HTTP API. */
  readonly system: string;
}

/** Reads the keys of a data directory, making them on first use in a file that only its owner can read. */
export function loadKeys(dataDir: string): HostKeys {
  const path = join(dataDir, 'keys.json');
  if (!existsSync(path)) {
    const keys = { master: newKey(), function: newKey(), system: newKey() };
    // Written aside first: a host killed here must not leave half a file behind.
    writeFileSync(`${path}.new`, `${JSON.stringify(keys, undefined, 2)}\n`, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }
  const { master, function: functionKey, system } = readJsonFile(path) ?? {};
  if (typeof master !== 'string' || typeof functionKey !== 'string' || typeof system !== 'string') {
    throw new StartError(
      `${path} must hold the keys "master", "function" and "system". Delete it to have new ones made.`,
    );
  }
  return { path, master, function: functionKey, system };
}

function newKey(): string {
  return randomBytes(40).toString('base64url');
}

export type AuthLevel = 'anonymous' | 'function' | 'admin' | 'system';

/** Whether a caller who showed `key` may pass. The header beats the query; see `presentedKey`. */
export function isAuthorized(keys: HostKeys, level: AuthLevel, key: string | undefined): boolean {
  if (level === 'anonymous') return true;
  if (key === undefined) return false;
  if (key === keys.master) return true;
  return (level === 'function' && key === keys.function) || (level === 'system' && key === keys.system);
}

export function presentedKey(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  query: URLSearchParams,
): string | undefined {
  const header = headers['x-functions-key'];
  return (Array.isArray(header) ? header[0] : header) ?? query.get('code') ?? undefined;
}
