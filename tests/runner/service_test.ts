import { assert, assertEquals } from "../support/assert.ts";
import { until } from "../support/until.ts";
import { systemClock } from "../../src/system/clock.ts";
import { Alarm } from "../../src/runner/alarms.ts";
import { Loop, type LoopOptions } from "../../src/runner/service.ts";

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

/** A loop that counts its rounds. */
function counted(options: Partial<LoopOptions>) {
  const seen = { rounds: 0 };
  const work = () => {
    seen.rounds++;
    return Promise.resolve();
  };
  const alarm = new Alarm(systemClock);
  const loop = new Loop(work, { name: "test", everyMs: Infinity, clock: systemClock, log: quiet, alarm, ...options });
  return Object.assign(seen, { loop, alarm });
}

Deno.test("Loop with a period goes round by itself until it is stopped", async () => {
  const seen = counted({ everyMs: 5 });
  seen.loop.start();
  await until("three rounds", () => seen.rounds >= 3);
  await seen.loop.stop();
  await seen.loop.stop();
  const after = seen.rounds;
  await systemClock.sleep(30);
  assertEquals(seen.rounds, after);
});

Deno.test("Loop without a period goes round when it is asked to, and no more often than allowed", async () => {
  const seen = counted({});
  seen.loop.start();
  await systemClock.sleep(30);
  assertEquals(seen.rounds, 0);
  for (let i = 0; i < 100; i++) seen.alarm.soon();
  await until("a round", () => seen.rounds === 1);
  const begun = performance.now();
  seen.alarm.soon();
  seen.alarm.soon(60_000);
  await until("another round", () => seen.rounds === 2);
  assert(performance.now() - begun > 200);
  seen.alarm.soon(60_000);
  await seen.loop.stop();
  assertEquals(seen.rounds, 2);
});

Deno.test("Loop rests as long as there is no work, and can be stopped then", async () => {
  const some = Promise.withResolvers<void>();
  const seen = counted({ everyMs: 5, work: () => some.promise });
  seen.loop.start();
  await systemClock.sleep(40);
  assertEquals(seen.rounds, 0);
  some.resolve();
  await until("a round", () => seen.rounds > 0);
  await seen.loop.stop();

  const idle = counted({ everyMs: 5, work: () => new Promise(() => {}) });
  idle.loop.start();
  await idle.loop.stop();
  assertEquals(idle.rounds, 0);
});
