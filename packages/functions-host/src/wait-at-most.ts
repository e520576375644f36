/** Waits for everything, but no longer than that. What takes longer goes on unattended. */
export async function waitAtMost(limitMs: number, work: readonly Promise<unknown>[]): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => (timer = setTimeout(resolve, limitMs)));
  try {
    await Promise.race([Promise.all(work), limit]);
  } finally {
    clearTimeout(timer);
  }
}
