import { assert, assertEquals } from "../support/assert.ts";
import { ended, INFO, RedisFixture } from "./redis_fixture.ts";

const failed = { state: "error", error: "exited with code 3", exitCode: 3 } as const;

Deno.test("retry() puts an ended job back into its queue, without what its end left", async () => {
  await using fixture = await RedisFixture.open();
  const { queue, store, keys, server } = fixture;
  const run = await fixture.started("a", { retries: 1, title: "t" });
  await queue.appendOutput(run, 0, new Uint8Array(3));
  await queue.finish(ended(run, failed));
  assertEquals(await store.retry("a"), { type: "OK" });
  const { status, result, error, payload } = await fixture.job("a");
  assertEquals([status, result, error, payload], ["dispatched", "", "", "true"]);
  const meta = await fixture.meta("a");
  assertEquals([meta.attempt, meta.title, meta.exit, meta.ms, meta.ended_ms], [
    "1",
    "t",
    undefined,
    undefined,
    undefined,
  ]);
  assertEquals(await server.call("EXISTS", keys.output("a")), 0);
  for (const key of [keys.job("a"), keys.meta("a")]) assertEquals(await server.call("PTTL", key), -1);
  assertEquals(await fixture.list(keys.queue("r")), ["a"]);
  await queue.claim(1);
  const again = await queue.start("a");
  assert(again.type === "OK");
  assertEquals(again.attempt, 2);
  assertEquals((await queue.finish(ended({ id: "a", token: again.token }))).type, "OK");
});

Deno.test("retry() leaves alone what has not ended", async () => {
  await using fixture = await RedisFixture.open();
  const { store, server, keys } = fixture;
  await fixture.started("runs");
  await fixture.submit("waits");
  await server.call("SET", keys.job("json"), '{"runner":"r"}');
  await server.call("HSET", keys.job("odd"), "runner", "r");
  await server.call("HSET", keys.job("homeless"), "status", "error");
  await server.call("HSET", keys.job("empty"), "status", "error", "runner", "r");
  const before = await server.digest();
  assertEquals(await store.retry("runs"), { type: "ALIVE", status: "started" });
  assertEquals(await store.retry("waits"), { type: "ALIVE", status: "dispatched" });
  assertEquals(await store.retry("odd"), { type: "ALIVE", status: "dispatched" });
  assertEquals((await store.retry("json")).type, "NOWHERE");
  assertEquals(await store.retry("homeless"), { type: "NOWHERE" });
  assertEquals(await store.retry("empty"), { type: "EMPTY" }); // its end came back after Redis had lost the job
  assertEquals(await store.retry("none"), { type: "MISSING" });
  assertEquals(await server.digest(), before);
});

Deno.test("retry() queues an id once, though a cancelled job is still in the list", async () => {
  await using fixture = await RedisFixture.open();
  const { store, keys } = fixture;
  await fixture.submit("first");
  await fixture.submit("a");
  await fixture.submit("b", { priority: "low" });
  for (const id of ["a", "b"]) {
    await store.cancel(id, "");
    assertEquals(await store.retry(id), { type: "OK" });
  }
  assertEquals(await fixture.list(keys.queue("r")), ["a", "first"]);
  assertEquals(await fixture.list(keys.low("r")), ["b"]);
});

Deno.test("retry() begins a new attempt also where the one before still runs", async () => {
  await using fixture = await RedisFixture.open();
  const run = await fixture.started("a");
  await fixture.server.call("HSET", fixture.keys.job("a"), "status", "error");
  await fixture.store.retry("a");
  await fixture.queue.claim(1);
  const again = await fixture.queue.start("a");
  assert(again.type === "OK", again.type);
  assertEquals(again.attempt, 2);
  assertEquals((await fixture.queue.finish(ended(run))).type, "FENCED");
});

Deno.test("retry() fences an attempt that still runs although another program ended the job", async () => {
  await using fixture = await RedisFixture.open();
  const { queue, store, server, keys } = fixture;
  const run = await fixture.started("a");
  await server.call("HSET", keys.job("a"), "status", "error");
  assertEquals(await store.retry("a"), { type: "OK" });
  const other = fixture.runner({ instance: "i2", nonce: "n2" });
  await other.register(INFO);
  await other.claim(1);
  const again = await other.start("a");
  assert(again.type === "OK");
  assertEquals(again.attempt, 2);
  const heartbeat = await queue.heartbeat([run], "up");
  assert(heartbeat.type === "OK");
  assertEquals(heartbeat.fenced.map(({ token }) => token), [run.token]);
  assertEquals((await queue.finish(ended(run))).type, "FENCED");
  assertEquals((await fixture.job("a")).status, "started");
});

/** A job `build` that has ended with `state`, and `deploy`, which waits for it and has ended, too. */
async function pipeline(fixture: RedisFixture, state: "finished" | "error"): Promise<void> {
  const { queue } = fixture;
  const run = await fixture.started("build");
  await fixture.submit("deploy", { after: "build" });
  await queue.finish(ended(run, state === "finished" ? {} : failed));
  if (state === "error") return;
  await queue.claim(1);
  const second = await queue.start("deploy");
  assert(second.type === "OK");
  await queue.finish(ended({ id: "deploy", token: second.token }, failed));
}

for (const state of ["finished", "error"] as const) {
  Deno.test(`retry() of a child waits again for its retried parent, which had ended with ${state}`, async () => {
    await using fixture = await RedisFixture.open();
    const { queue, store, keys } = fixture;
    await pipeline(fixture, state);
    assertEquals((await fixture.job("deploy")).status, "error");
    assertEquals(await store.retry("build"), { type: "OK" });
    assertEquals(await store.retry("deploy"), { type: "WAITS", after: ["build"] });
    assertEquals(await fixture.list(keys.queue("r")), ["build"], "the child is not in the queue");
    await queue.claim(1);
    const again = await queue.start("build");
    assert(again.type === "OK");
    await queue.finish(ended({ id: "build", token: again.token }));
    assertEquals(await fixture.list(keys.queue("r")), ["deploy"]);
  });
}

Deno.test("retry() of a child ends it again when its retried parent fails", async () => {
  await using fixture = await RedisFixture.open();
  const { queue, store } = fixture;
  await pipeline(fixture, "error");
  await store.retry("build");
  await store.retry("deploy");
  await queue.claim(1);
  const again = await queue.start("build");
  assert(again.type === "OK");
  await queue.finish(ended({ id: "build", token: again.token }, failed));
  assertEquals((await fixture.job("deploy")).error, 'skipped: job "build", which must finish first, ended with error');
});

Deno.test("retry() of a child changes nothing while its parent has failed, or is gone and was never met", async () => {
  await using fixture = await RedisFixture.open();
  const { store, server, keys } = fixture;
  await pipeline(fixture, "error");
  const before = await server.digest();
  assertEquals(await store.retry("deploy"), { type: "NEVER", after: "build", failed: true });
  assertEquals(await server.digest(), before);
  await server.call("DEL", keys.job("build"));
  assertEquals(await store.retry("deploy"), { type: "NEVER", after: "build", failed: false });
});

Deno.test("retry() of a child whose parent had finished runs it, also when the parent is gone", async () => {
  await using fixture = await RedisFixture.open();
  const { store, server, keys } = fixture;
  await pipeline(fixture, "finished");
  assertEquals(await store.retry("deploy"), { type: "OK" });
  await store.cancel("deploy", "");
  await server.call("DEL", keys.job("build"));
  assertEquals(await store.retry("deploy"), { type: "OK" });
  assertEquals(await fixture.list(keys.queue("r")), ["deploy"]);
});

Deno.test("retry() of a job that was cancelled before its time waits for that time again", async () => {
  await using fixture = await RedisFixture.open();
  const { store, server, keys } = fixture;
  const at = await store.time() + 3_600_000;
  await fixture.submit("late", { notBeforeMs: at });
  await store.cancel("late", "");
  assertEquals(await store.retry("late"), { type: "OK" });
  assertEquals(Number(await server.call("ZSCORE", keys.delay("r"), "late")), at);
  assertEquals(await fixture.list(keys.queue("r")), []);
});

Deno.test("retry() leaves one entry of a job that another program ended in its queue", async () => {
  await using fixture = await RedisFixture.open();
  const { store, queue, server, keys } = fixture;
  const again = await fixture.started("again", { retries: 1 });
  await queue.finish(ended(again, { state: "error", error: "exited with code 3", retryDelayMs: 0 }));
  assertEquals(await queue.promote("again"), "PROMOTED");
  await fixture.submit("new");
  for (const id of ["new", "again"]) {
    await server.call("HSET", keys.job(id), "status", "error");
    assertEquals(await store.retry(id), { type: "OK" });
  }
  assertEquals((await fixture.list(keys.queue("r"))).sort(), ["again", "new"]);
});
