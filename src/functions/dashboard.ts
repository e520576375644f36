import { readFile } from 'node:fs/promises';
import type { HttpRequest, HttpResponseInit } from '@azure/functions';

const folder = new URL('../../dashboard/', import.meta.url);

/** The only files served; nothing of the request reaches the file system. */
const files: Readonly<Record<string, { readonly file: string; readonly contentType: string }>> = {
  '': { file: 'index.html', contentType: 'text/html; charset=utf-8' },
  'dashboard.js': { file: 'dashboard.js', contentType: 'text/javascript; charset=utf-8' },
  'dashboard.css': { file: 'dashboard.css', contentType: 'text/css; charset=utf-8' },
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
  const served = files[request.params['file'] ?? ''];
  if (served === undefined) return { status: 404, headers };
  return {
    headers: { ...headers, 'content-type': served.contentType },
    body: await readFile(new URL(served.file, folder)),
  };
}
