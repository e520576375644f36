import { readFile } from 'node:fs/promises';
import type { HttpRequest, HttpResponseInit } from '@azure/functions';

const folder = new URL('../../dashboard/', import.meta.url);

const contentTypes: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
};

const headers = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-cache',
};

/** `GET /dashboard` and its files. The page holds no data: it asks the API, with the caller's key. */
export async function dashboard(request: HttpRequest): Promise<HttpResponseInit> {
  const file = request.params['file'] ?? 'index.html';
  // One plain name: nothing of a request can lead out of the folder.
  const ending = /^[a-z-]+\.(html|js|css)$/.exec(file)?.[1] ?? '';
  const contentType = contentTypes[ending];
  if (contentType === undefined) return { status: 404, headers };
  try {
    return { headers: { ...headers, 'content-type': contentType }, body: await readFile(new URL(file, folder)) };
  } catch {
    return { status: 404, headers };
  }
}
