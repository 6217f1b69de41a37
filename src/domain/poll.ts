/**
 * Repeats a check until it returns something other than `null` and `false`.
 *
 * @returns That; `null` when there is none after `limitMs`.
 */
export async function poll<T>(
  check: () => Promise<T | null | false>,
  { clock, everyMs, limitMs }: {
    clock: { now(): number; sleep(ms: number): Promise<void> };
    everyMs: number;
    limitMs: number;
  },
): Promise<T | null> {
  const until = clock.now() + limitMs;
  for (;;) {
    const found = await check();
    if (found !== null && found !== false) return found;
    if (clock.now() >= until) return null;
    await clock.sleep(everyMs);
  }
}
