import { errorMessage } from '../errors.ts';
import type { Invoke } from './invoker.ts';

const replacement = '[Hidden Credential]';

/** What the Functions host takes for the beginning of a secret, in any case of letters (github.com/Azure/azure-functions-host, Sanitizer.cs). */
const tokens = [
  ...['Token=', 'DefaultEndpointsProtocol=http', 'AccountKey=', 'Data Source=', 'Server=', 'Password=', 'pwd='],
  ...['&amp;sig=', '&sig=', '?sig=', 'SharedAccessKey=', '&amp;code=', '&code=', '?code='],
];
const escaped = tokens.map((token) => token.replace('?', '\\?'));
const secrets = new RegExp(`(?<!PublicKey(?=Token))(?:${escaped.join('|')})[^<"']*`, 'giu');
const urlsWithPassword = /[a-z0-9]{3,5}:\/\/[^\s"'/:@]+:[^\s"'/@]+@[\w$:.%?=/-]+/giu;

/** Blanks from the beginning of a secret to the next quote or angle bracket, as the Functions host does in messages of errors. */
export function sanitize(message: string): string {
  return message.replace(urlsWithPassword, replacement).replace(secrets, replacement);
}

/**
 * An invoker whose errors come out sanitised. A failed orchestrator reports its state inside such a message, so a text in an activity's
 * input that looks like a secret can make that state unreadable; in Azure as well.
 */
export function sanitizeErrors(invoke: Invoke): Invoke {
  return async (invocation) => {
    try {
      return await invoke(invocation);
    } catch (error) {
      const sanitized = new Error(sanitize(errorMessage(error)), { cause: error });
      if (error instanceof Error && error.stack !== undefined) sanitized.stack = sanitize(error.stack);
      throw sanitized;
    }
  };
}
