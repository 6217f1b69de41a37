import { poll } from "../../src/domain/poll.ts";
import { assertEquals, assertRejects } from "../support/assert.ts";

/** A clock that only pauses move. */
function clockOfPauses() {
  let now = 1000;
  return {
    now: () => now,
    sleep(ms: number) {
      now += ms;
      return Promise.resolve();
    },
  };
}

/** Polls a check that returns these, the last one for ever; returns the result and how often it was called. */
async function polled<T>(replies: (T | null | false)[], limitMs: number) {
  let calls = 0;
  const check = () => Promise.resolve(replies[Math.min(calls++, replies.length - 1)]);
  return [await poll(check, { clock: clockOfPauses(), everyMs: 10, limitMs }), calls];
}

Deno.test("poll returns the first thing that is neither null nor false", async () => {
  assertEquals(await polled([null, false, "found", "later"], 100), ["found", 3]);
  assertEquals(await polled([true], 100), [true, 1]);
  for (const found of ["", 0]) assertEquals(await polled([null, found], 100), [found, 2]);
});

Deno.test("poll checks once at its limit, and gives up after it", async () => {
  assertEquals(await polled([null], 30), [null, 4]);
  assertEquals(await polled([false], 25), [null, 4]);
  assertEquals(await polled([null, null, null, "found"], 30), ["found", 4]);
  assertEquals(await polled([null], 0), [null, 1]);
  assertEquals(await polled(["found"], -5), ["found", 1]);
});

Deno.test("poll rejects as its check does", async () => {
  const failed = new Error("failed");
  const options = { clock: clockOfPauses(), everyMs: 10, limitMs: 100 };
  assertEquals(await assertRejects(() => poll(() => Promise.reject(failed), options)), failed);
});
