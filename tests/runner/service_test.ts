import { assertEquals } from "../support/assert.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { Alarm } from "../../src/runner/alarms.ts";
import { Loop, type LoopOptions } from "../../src/runner/service.ts";

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

/** A loop that counts its rounds, over a clock that the test moves. */
class CountedLoop {
  readonly clock = new ManualClock();
  readonly alarm = new Alarm(this.clock);
  readonly loop: Loop;
  rounds = 0;

  constructor(options: Partial<LoopOptions>) {
    const own = { name: "test", everyMs: Infinity, clock: this.clock, log: quiet, alarm: this.alarm };
    this.loop = new Loop(() => Promise.resolve(void this.rounds++), { ...own, ...options });
  }
}

Deno.test("Loop with a period goes round by itself until it is stopped", async () => {
  const counted = new CountedLoop({ everyMs: 5 });
  counted.loop.start();
  for (let i = 0; i < 3; i++) await counted.clock.pass(5);
  assertEquals(counted.rounds, 3);
  await counted.loop.stop();
  await counted.loop.stop();
  await counted.clock.pass(60_000);
  assertEquals(counted.rounds, 3);
});

Deno.test("Loop without a period goes round when it is asked to, and no more often than allowed", async () => {
  const counted = new CountedLoop({ gapMs: 100 });
  const { alarm, clock, loop } = counted;
  loop.start();
  await clock.pass(60_000);
  assertEquals(counted.rounds, 0);
  for (let i = 0; i < 100; i++) alarm.soon();
  await clock.pass(0);
  assertEquals(counted.rounds, 1);
  alarm.soon();
  alarm.soon(60_000);
  await clock.pass(99);
  assertEquals(counted.rounds, 1);
  await clock.pass(1);
  assertEquals(counted.rounds, 2);
  alarm.soon(60_000);
  await loop.stop();
  assertEquals(counted.rounds, 2);
});

Deno.test("Loop rests as long as there is no work, and can be stopped then", async () => {
  const some = Promise.withResolvers<void>();
  const counted = new CountedLoop({ everyMs: 5, work: () => some.promise });
  counted.loop.start();
  await counted.clock.pass(60_000);
  assertEquals(counted.rounds, 0);
  some.resolve();
  await counted.clock.pass(5);
  assertEquals(counted.rounds, 1);
  await counted.loop.stop();

  const idle = new CountedLoop({ everyMs: 5, work: () => new Promise(() => {}) });
  idle.loop.start();
  await idle.loop.stop();
  assertEquals(idle.rounds, 0);
});
