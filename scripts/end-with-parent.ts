/**
 * Preloaded into every child of the local stack (`node --import`). The parent holds the other end of standard input; when it is
 * gone, however it went, the pipe ends and the child shuts itself down as if told to.
 */
import { isMainThread } from 'node:worker_threads';

const graceMs = 5_000;

if (isMainThread) {
  process.stdin.once('close', () => {
    process.kill(process.pid, 'SIGTERM');
    setTimeout(() => process.exit(1), graceMs).unref();
  });
  process.stdin.resume();
  (process.stdin as unknown as { unref: () => void }).unref();
}
