import type { RateLeft } from '../plan/lane.ts';
import type { Headers } from './headers.ts';
import type { Answer } from './send.ts';

/**
 * Keeps what one lane sends on one server: the affinity cookie that the first answer gives is sent back with each request, and no other cookie
 * ever. Hears from each answer who sent it and what its rate headers say.
 */
export interface ServerPin {
  /** The server to be asked for; null until one has answered. */
  readonly server: string | null;
  /** Servers count for themselves. */
  readonly independent: boolean;
  /** The server that was asked for and did not answer itself: it is gone, or takes no more. */
  readonly gone: string | undefined;
  /** What the rate headers tell of it, as long as they do. */
  readonly left: RateLeft | undefined;
  /** Its answers tell nothing of what is left, or no longer. */
  readonly silent: boolean;
  headers(): Headers;
  /** Answers who sent it, null where it does not say. */
  hear(answer: Answer): string | null;
}

export function createServerPin(start: { readonly server: string | null; readonly independent: boolean }): ServerPin {
  let { server } = start;
  let gone: string | undefined;
  let left: RateLeft | undefined;
  let silentAnswers = 0;
  const isSilent = (): boolean => silentAnswers >= mostSilentAnswers;
  return {
    independent: start.independent,
    get server() {
      return server;
    },
    get gone() {
      return gone;
    },
    get left() {
      return isSilent() ? undefined : left;
    },
    get silent() {
      return isSilent();
    },
    headers: () => (server === null ? {} : { cookie: `${affinityCookie}=${server}` }),
    hear(answer) {
      const by = serverOf(answer);
      if (by !== null && by !== server) {
        gone = server ?? gone;
        left = undefined;
        server = by;
      }
      const told = rateLeftOf(answer);
      // That a refusal lacks them says nothing.
      if (told !== undefined) silentAnswers = 0;
      else if (answer.status !== 429) silentAnswers += 1;
      if (told !== undefined) left = { ...told, firstRequests: left?.firstRequests ?? told.lastRequests };
      return by;
    },
  };
}

/** A single answer may lack the headers. */
const mostSilentAnswers = 2;

const affinityCookie = 'ARRAffinity';

/** The value of `Set-Cookie: ARRAffinity=<hex>; path=/; secure; HttpOnly`, which every answer carries. */
export function serverOf(answer: Pick<Answer, 'headerList'>): string | null {
  const cookies = answer.headerList('set-cookie') ?? '';
  return /(?:^|,)\s*ARRAffinity=([A-Za-z0-9._-]{1,256})\s*(?:[;,]|$)/.exec(cookies)?.[1] ?? null;
}

/** Both headers of the answering server; undefined when one is missing or no plain number. */
function rateLeftOf(answer: Pick<Answer, 'header'>): Omit<RateLeft, 'firstRequests'> | undefined {
  const lastRequests = readAmount(answer.header('x-ms-ratelimit-burst-remaining-xrm-requests'));
  const seconds = readAmount(answer.header('x-ms-ratelimit-time-remaining-xrm-requests'));
  return lastRequests === undefined || seconds === undefined ? undefined : { lastRequests, seconds };
}

/** `7999`, `1,199.97`: digits, perhaps with commas between thousands, perhaps with decimals. */
export function readAmount(text: string | undefined): number | undefined {
  const trimmed = text?.trim() ?? '';
  if (!/^(?:\d{1,9}|\d{1,3}(?:,\d{3}){1,2})(?:\.\d{1,6})?$/.test(trimmed)) return undefined;
  return Number(trimmed.replaceAll(',', ''));
}
