import { asObject } from './read-json.ts';

const mostBytes = 4_096;

/**
 * The claims that a 401 asks for, as JSON text: `WWW-Authenticate: Bearer ..., claims="<base64>"`
 * (learn.microsoft.com/entra/identity-platform/claims-challenge). Undefined where it asks for none, or for nothing that can be read.
 */
export function readClaimsChallenge(header: string | undefined): string | undefined {
  const encoded = /(?:^|[\s,])claims="([A-Za-z0-9+/_=-]+)"/.exec(header ?? '')?.[1];
  if (encoded === undefined || encoded.length > mostBytes) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  try {
    return asObject(JSON.parse(text)) === undefined ? undefined : text;
  } catch {
    return undefined;
  }
}
