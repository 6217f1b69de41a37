import { assertEquals } from "../support/assert.ts";
import { systemClock } from "../../src/system/clock.ts";
import type { LogFields } from "../../src/ports/log.ts";
import { StopTime } from "../../src/runner/stop_time.ts";

function stopTime(ms: number) {
  const said: string[] = [];
  const note = (message: string, fields?: LogFields) => void said.push(`${message}: ${fields?.error}`);
  const log = { debug() {}, info() {}, warn: note, error: note };
  return { said, time: new StopTime(ms, { clock: systemClock, log }) };
}

Deno.test("StopTime waits for each part, and names those that took longer than they may", async () => {
  const { said, time } = stopTime(60_000);
  await time.give("finish", 1000, Promise.resolve());
  await time.give("come back", 5, new Promise(() => {}));
  await time.give("succeed", 1000, Promise.reject(new Error("no")));
  time.close();
  assertEquals(said, [
    "could not succeed: Error: no",
    "left to the next process what was not done in time: did not come back",
  ]);
});

Deno.test("StopTime gives its parts no more than is left of the whole", async () => {
  const { said, time } = stopTime(10);
  await Promise.all(["a", "b"].map((what) => time.give(what, 60_000, new Promise(() => {}))));
  await time.give("c", 60_000, new Promise(() => {}));
  time.close();
  assertEquals(said, ["left to the next process what was not done in time: did not a, b, c"]);
});

Deno.test("StopTime says nothing when all was done", async () => {
  const { said, time } = stopTime(60_000);
  await time.give("finish", 1000, Promise.resolve());
  time.close();
  assertEquals(said, []);
});
