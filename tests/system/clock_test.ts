import { systemClock } from "../../src/system/clock.ts";
import { assertEquals } from "../support/assert.ts";

Deno.test("the clock sleeps longer than one timer can wait", async () => {
  const waits: number[] = [];
  const { setTimeout } = globalThis;
  globalThis.setTimeout = ((done: () => void, ms: number) => {
    waits.push(ms);
    return setTimeout(done, 0);
  }) as typeof setTimeout;
  try {
    await systemClock.sleep(30 * 86_400_000);
  } finally {
    globalThis.setTimeout = setTimeout;
  }
  assertEquals(waits, [2 ** 31 - 1, 30 * 86_400_000 - 2 ** 31 + 1]);
});
