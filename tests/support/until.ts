/**
 * Waits until a condition holds.
 *
 * @param what What is waited for, for the error.
 * @param condition Checked every 5 ms, for `ms` milliseconds at the most.
 * @returns What the condition gave.
 */
export async function until<T>(
  what: string,
  condition: () => T | false | null | undefined | Promise<T | false | null | undefined>,
  ms = 15_000,
): Promise<T> {
  const end = performance.now() + ms;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (performance.now() > end) throw new Error(`Cannot wait longer than ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Resolves when every promise that needs no timer and no input has settled: the event loop has gone round. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}
