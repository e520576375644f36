import { createHash } from 'node:crypto';
import { SourceChangedError, type BlobSource } from '../source/blob-source.ts';
import type { SourcePin } from '../source/source.ts';
import type { RunPlan } from './run-plan.ts';

/**
 * The plan of an ended run with a pin that can be read today. A file that was written again without a change has another ETag and the same
 * digest: it is the same source. Throws `SourceChangedError` when its bytes are others.
 */
export async function withCurrentPin(source: BlobSource, plan: RunPlan): Promise<RunPlan> {
  const { container, blob, etag, bytes } = plan.rows;
  const now = await source.pin(container, blob);
  if ('missing' in now || now.bytes !== bytes) throw new SourceChangedError(plan.rows, undefined);
  if (now.etag === etag) return plan;
  if ((await digestOf(source, now)) !== plan.sha256) throw new SourceChangedError(plan.rows, undefined);
  return { ...plan, rows: now };
}

async function digestOf(source: BlobSource, pin: SourcePin): Promise<string> {
  const digest = createHash('sha256');
  for await (const chunk of await source.stream(pin)) digest.update(chunk);
  return digest.digest('hex');
}
