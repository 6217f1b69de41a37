import { Mutex } from "../../src/domain/mutex.ts";
import { assertEquals, assertRejects } from "../support/assert.ts";

Deno.test("a Mutex runs one task at a time, in the order of the calls, and gives each its result", async () => {
  const mutex = new Mutex();
  const seen: string[] = [];
  const gates = [0, 1, 2].map(() => Promise.withResolvers<void>());
  const results = gates.map(({ promise }, i) =>
    mutex.run(async () => {
      seen.push(`begin ${i}`);
      await promise;
      seen.push(`end ${i}`);
      return i;
    })
  );
  assertEquals(mutex.size, 3);
  for (const { resolve } of gates.toReversed()) resolve();
  assertEquals(await Promise.all(results), [0, 1, 2]);
  assertEquals(seen, ["begin 0", "end 0", "begin 1", "end 1", "begin 2", "end 2"]);
  assertEquals(mutex.size, 0);
});

Deno.test("a task of a Mutex that fails rejects to its caller alone", async () => {
  const mutex = new Mutex();
  const failed = new Error("failed");
  const first = mutex.run(() => Promise.reject(failed));
  const second = mutex.run(() => {
    throw failed;
  });
  const third = mutex.run(() => Promise.resolve("ran"));
  assertEquals(await assertRejects(() => first), failed);
  assertEquals(await assertRejects(() => second), failed);
  assertEquals(await third, "ran");
  assertEquals(mutex.size, 0);
});

Deno.test("idle() of a Mutex resolves when the tasks so far have ended, also with a failure", async () => {
  const mutex = new Mutex();
  await mutex.idle();
  const gate = Promise.withResolvers<void>();
  let isIdle = false;
  const failing = assertRejects(() => mutex.run(() => gate.promise));
  const idle = mutex.idle().then(() => isIdle = true);
  for (let i = 0; i < 20; i++) await Promise.resolve();
  assertEquals(isIdle, false);
  gate.reject(new Error("failed"));
  await Promise.all([failing, idle]);
});
