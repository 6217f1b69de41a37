import { Alarm } from "../../src/runner/alarms.ts";
import { Unparker } from "../../src/runner/unparker.ts";
import { assertEquals } from "../support/assert.ts";
import { ManualClock } from "../support/manual_clock.ts";

Deno.test("Unparker asks for its next round when the time is over for which nothing with a limit starts", async () => {
  const alarm = new Alarm(new ManualClock());
  const replies = [1500, 0];
  const queue = { limits: { unpark: () => Promise.resolve(replies.shift()!) } };
  const unparker = new Unparker({ queue, checkpoint: () => {} }, alarm);
  await unparker.tick();
  assertEquals(alarm.at, 1500);
  alarm.clear();
  await unparker.tick();
  assertEquals(alarm.at, Infinity);
});
