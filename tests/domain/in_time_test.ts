import { inTime } from "../../src/domain/in_time.ts";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";

/** A clock whose pauses end when the test says so, or with their signal. */
function clockByHand() {
  const pauses: { ms: number; signal: AbortSignal; end: () => void }[] = [];
  const sleep = (ms: number, signal: AbortSignal) =>
    new Promise<void>((end) => {
      pauses.push({ ms, signal, end });
      signal.addEventListener("abort", () => end());
    });
  return { pauses, sleep };
}

Deno.test("inTime returns whether the work was done before the pause ended", async () => {
  const clock = clockByHand();
  const work = Promise.withResolvers<void>();
  const early = inTime(work.promise, { clock, ms: 7 });
  const late = inTime(new Promise(() => {}), { clock, ms: 8 });
  assertEquals(clock.pauses.map(({ ms }) => ms), [7, 8]);
  work.resolve();
  clock.pauses[1].end();
  assertEquals(await Promise.all([early, late]), [true, false]);
});

Deno.test("inTime ends its pause however the work ended", async () => {
  const clock = clockByHand();
  const failed = new Error("failed");
  await inTime(Promise.resolve(), { clock, ms: 1 });
  assertEquals(await assertRejects(() => inTime(Promise.reject(failed), { clock, ms: 1 })), failed);
  assertEquals(clock.pauses.length, 2);
  for (const { signal } of clock.pauses) assert(signal.aborted);
});

Deno.test("inTime ignores a failure that comes too late", async () => {
  const clock = clockByHand();
  const work = Promise.withResolvers<void>();
  const result = inTime(work.promise, { clock, ms: 1 });
  clock.pauses[0].end();
  assertEquals(await result, false);
  work.reject(new Error("too late"));
  await work.promise.catch(() => {});
});
