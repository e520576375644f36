/** What a request to blob storage is for, by the names of the ledger's blobs. */
export function storageNameOf(method: string, path: string): string {
  const [, , container = '', ...rest] = path.split('?')[0]?.split('/') ?? [];
  const blob = rest.join('/');
  if (container === 'sources') return method === 'GET' ? 'slice read' : 'source';
  const folder = /^runs\/[^/]+\/([a-z]+)/.exec(blob)?.[1];
  if (folder === 'parts') return method === 'PUT' ? 'part written' : 'part looked for';
  if (folder === 'intents' || folder === 'contested') return 'mark left';
  if (folder === 'cancel' || folder === 'pause') return 'stop looked for';
  return folder === 'live' ? 'live progress' : 'other';
}
