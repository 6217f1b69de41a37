import { FullWait } from "../../src/redis/full_wait.ts";
import { assertEquals } from "../support/assert.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { settle } from "../support/until.ts";

/** Returns after how many milliseconds a wait ends, in steps of 50. */
async function lasts(clock: ManualClock, wait: Promise<void>): Promise<number> {
  let isOver = false;
  wait.then(() => isOver = true);
  const since = clock.now();
  while (!isOver) await clock.pass(50);
  return clock.now() - since;
}

Deno.test("FullWait waits longer each time, up to two seconds, and from the start after a claim that found room", async () => {
  const clock = new ManualClock();
  const full = new FullWait(clock);
  full.note(true);
  const pauses = [];
  for (let i = 0; i < 8; i++) pauses.push(await lasts(clock, full.wait(5000)));
  assertEquals(pauses, [50, 100, 200, 400, 800, 1600, 2000, 2000]);
  assertEquals(await lasts(clock, full.wait(300)), 300);
  full.note(false);
  assertEquals([full.isFull, await lasts(clock, full.wait(5000))], [false, 50]);
});

Deno.test("FullWait ends when an attempt has ended, and is short again", async () => {
  const clock = new ManualClock();
  const full = new FullWait(clock);
  for (let i = 0; i < 6; i++) await lasts(clock, full.wait(5000));
  const waiting = full.wait(5000);
  await settle();
  full.wake();
  await waiting;
  assertEquals(await lasts(clock, full.wait(5000)), 100);
});
