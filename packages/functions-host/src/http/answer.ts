import type { ServerResponse } from 'node:http';
import { toJson } from '../json.ts';

/** A finished HTTP answer. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: Uint8Array | string;
}

export function jsonAnswer(status: number, value: unknown, headers: Answer['headers'] = {}): Answer {
  return { status, headers: { 'content-type': 'application/json; charset=utf-8', ...headers }, body: toJson(value) };
}

/** Statuses that never carry a body. */
const bodiless = new Set([204, 205, 304]);

export function sendAnswer(response: ServerResponse, answer: Answer): void {
  if (response.headersSent || response.destroyed) return;
  response.statusCode = answer.status;
  for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, value);
  const body = bodiless.has(answer.status) || answer.body === undefined ? undefined : Buffer.from(answer.body);
  if (!bodiless.has(answer.status)) response.setHeader('content-length', body?.length ?? 0);
  response.end(body);
}
