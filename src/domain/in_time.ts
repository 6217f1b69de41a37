/**
 * Waits for work, but for `ms` at most; the work then goes on by itself. Returns whether it was done in time.
 */
export async function inTime(
  work: Promise<unknown>,
  { clock, ms }: { clock: { sleep(ms: number, signal: AbortSignal): Promise<void> }; ms: number },
): Promise<boolean> {
  const over = new AbortController();
  try {
    return await Promise.race([work.then(() => true), clock.sleep(ms, over.signal).then(() => false)]);
  } finally {
    over.abort();
  }
}
