import { Script } from "../../src/redis/script.ts";
import { JOB_FIELDS } from "../../src/domain/job.ts";
import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { ended, RedisFixture } from "./redis_fixture.ts";

Deno.test("submit() writes exactly the fields of a job, pushes its id and indexes it", async () => {
  await using fixture = await RedisFixture.open();
  const env = { A: "1", B: "ü" };
  assertEquals(
    await fixture.submit("a", { env, callerId: "c", contextId: "x", timeout: 1.5, payload: "\ufeffecho" }),
    "OK",
  );
  const job = await fixture.job("a");
  assertEquals(Object.keys(job).sort(), [...JOB_FIELDS].sort());
  const { created_at, updated_at, ...rest } = job;
  assertEquals(rest, {
    ...{ id: "a", caller_id: "c", context_id: "x", runner: "r", executor: "tmux.main", payload: "\ufeffecho" },
    ...{ status: "dispatched", result: "", error: "", timeout: "1.5", env_vars: JSON.stringify(env) },
  });
  assertEquals(created_at, updated_at);
  assertEquals(await fixture.list(fixture.keys.queue("r")), ["a"]);
  assertEquals(await fixture.store.newest(10), ["a"]);
  assertEquals(await fixture.server.call("EXISTS", fixture.keys.meta("a")), 0);
  assertEquals(await fixture.server.call("SMEMBERS", fixture.keys.names()), ["r"]);
});

Deno.test("submit() writes Redis' own time in RFC 3339 UTC with milliseconds", async () => {
  await using fixture = await RedisFixture.open();
  await fixture.submit("a");
  const { created_at } = await fixture.job("a");
  assertMatch(created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  const score = Number(await fixture.server.call("ZSCORE", fixture.keys.jobs(), "a"));
  assertEquals(new Date(score).toISOString(), created_at);
});

Deno.test("stamp() agrees with the calendar on every odd day", async () => {
  await using fixture = await RedisFixture.open();
  const base = await Deno.readTextFile(new URL("../../src/redis/scripts/lib/base.lua", import.meta.url));
  const { text } = new Script("stamp", base, ["return stamp(tonumber(ARGV[1]))"]);
  const days = ["1970-01-01T00:00:00.000Z", "1999-12-31T23:59:59.999Z", "2000-02-29T12:00:00.001Z"];
  days.push(
    "2024-02-29T23:59:59.010Z",
    "2025-03-01T00:00:00.100Z",
    "2100-02-28T23:59:59.999Z",
    "2100-03-01T00:00:00.000Z",
  );
  for (const day of days) {
    assertEquals(await fixture.server.call("EVAL", text, 0, Date.parse(day)), day);
  }
});

Deno.test("submit() of an id that is there changes nothing", async () => {
  await using fixture = await RedisFixture.open();
  await fixture.submit("a", { payload: "one" });
  const before = await fixture.server.digest();
  assertEquals(await fixture.submit("a", { payload: "two", title: "t" }), "EXISTS");
  assertEquals(await fixture.server.digest(), before);
});

Deno.test("submit() of an id that was deleted goes on counting attempts and forgets the rest", async () => {
  await using fixture = await RedisFixture.open();
  const old = await fixture.started("a", { retries: 3 });
  await fixture.server.call("DEL", fixture.keys.job("a"));
  assertEquals(await fixture.submit("a"), "OK");
  assertEquals(await fixture.meta("a"), { attempt: "1" });
  assertEquals((await fixture.queue.finish(ended(old))).type, "MISSING");
  const { job, meta, attempt } = old;
  assertEquals(await fixture.queue.reassert({ ...old, job, meta, attempt, startedMs: 1 }), "FENCED");
});

Deno.test("claim() claims jobs by priority, and low ones when nothing else waits", async () => {
  await using fixture = await RedisFixture.open();
  await fixture.submit("n1");
  await fixture.submit("low1", { priority: "low" });
  await fixture.submit("low2", { priority: "low" });
  await fixture.submit("n2");
  await fixture.submit("high", { priority: "high" });
  assertEquals((await fixture.store.queues())[0].queued, 5);
  const place = async (id: string) => (await fixture.store.place((await fixture.store.read(id))!)).ahead;
  assertEquals(await Promise.all(["high", "n1", "n2", "low1", "low2"].map(place)), [0, 1, 2, 3, 4]);
  const order: string[] = [];
  for (let ids; (ids = await fixture.claim(2)).length > 0;) order.push(...ids);
  assertEquals(order, ["high", "n1", "n2", "low1", "low2"]);
});

Deno.test("submit() of a low job into an empty queue wakes up who waits", async () => {
  await using fixture = await RedisFixture.open();
  const claim = fixture.queue.wait(5_000);
  await fixture.submit("low", { priority: "low" });
  assertEquals(new TextDecoder().decode((await claim)!), "low");
});

Deno.test("promote() moves a delayed job when it is due, not before", async () => {
  await using fixture = await RedisFixture.open();
  const now = await fixture.store.time();
  await fixture.submit("soon", { notBeforeMs: now + 150 });
  await fixture.submit("late", { notBeforeMs: now + 60_000 });
  await fixture.submit("past", { notBeforeMs: now - 1 });
  assertEquals(await fixture.list(fixture.keys.queue("r")), ["past"]);
  assertEquals((await fixture.store.place((await fixture.store.read("late"))!)).dueMs, now + 60_000);
  assertEquals(await fixture.queue.promote("late"), "EARLY");
  assertEquals(await fixture.queue.promote("late", { force: true }), "EARLY");
  assertEquals(await fixture.queue.promote("none"), "GONE");
  let due: readonly string[] = [];
  while (due.length === 0) due = await fixture.queue.due(10);
  assertEquals(due, ["soon"]);
  let reply = await fixture.queue.promote("soon");
  while (reply === "EARLY") reply = await fixture.queue.promote("soon");
  assertEquals(reply, "PROMOTED");
  assertEquals(await fixture.queue.promote("soon"), "GONE");
  assertEquals(await fixture.list(fixture.keys.queue("r")), ["soon", "past"]);
});

Deno.test("submit() after a job that ended starts or ends at once", async () => {
  await using fixture = await RedisFixture.open();
  await fixture.queue.finish(ended(await fixture.started("good")));
  await fixture.queue.finish(
    ended(await fixture.started("bad"), { state: "error", error: "exited with code 3", exitCode: 3 }),
  );
  assertEquals(await fixture.submit("a", { after: "good" }), "OK");
  assertEquals(await fixture.list(fixture.keys.queue("r")), ["a"]);
  assertEquals(await fixture.submit("b", { after: "bad" }), "OK");
  assertEquals((await fixture.job("b")).error, 'skipped: job "bad", which must finish first, ended with error');
  assertEquals(await fixture.submit("c", { after: "bad", keep: 0 }), "OK");
  assertEquals((await fixture.meta("c")).exit, "123");
  assert(Number(await fixture.server.call("PTTL", fixture.keys.job("b"))) > 0);
  assertEquals(await fixture.server.call("PTTL", fixture.keys.job("c")), -1);
});

Deno.test("finish() queues the jobs that waited, or delays them until their time", async () => {
  await using fixture = await RedisFixture.open();
  const run = await fixture.started("a");
  await fixture.submit("b", { after: "a", runner: "r" });
  await fixture.submit("c", { after: "a", runner: "other" });
  const later = await fixture.store.time() + 120_000;
  await fixture.submit("d", { after: "a", notBeforeMs: later });
  assertEquals(await fixture.queue.promote("b"), "EARLY");
  assertEquals(await fixture.queue.promote("b", { force: true }), "WAITS");
  assertEquals(await fixture.queue.finish(ended(run)), { type: "OK", open: [] });
  assertEquals(await fixture.queue.finish(ended(run)), { type: "ALREADY", open: [] });
  assertEquals(await fixture.list(fixture.keys.queue("r")), ["b"]);
  assertEquals(await fixture.list(fixture.keys.queue("other")), ["c"]);
  assertEquals(await fixture.server.call("ZSCORE", fixture.keys.delay("r"), "d"), String(later));
  await fixture.server.call("ZADD", fixture.keys.delay("r"), 1, "d");
  await fixture.server.call("HSET", fixture.keys.meta("d"), "not_before", 1);
  assertEquals(await fixture.queue.promote("d"), "PROMOTED");
  assertEquals(await fixture.server.call("EXISTS", fixture.keys.after("a")), 0);
});

Deno.test("promote() checks a job that waits again in a minute", async () => {
  await using fixture = await RedisFixture.open();
  await fixture.submit("a");
  await fixture.submit("b", { after: "a" });
  await fixture.server.call("ZADD", fixture.keys.delay("r"), 1, "b");
  const from = await fixture.now();
  assertEquals(await fixture.queue.promote("b"), "WAITS");
  const due = Number(await fixture.server.call("ZSCORE", fixture.keys.delay("r"), "b"));
  assert(from + 60_000 <= due && due <= await fixture.now() + 60_000);
});

Deno.test("the end of a job with error ends the whole chain behind it", async () => {
  await using fixture = await RedisFixture.open();
  await fixture.submit("a");
  for (const [id, after] of [["b", "a"], ["c", "b"], ["d", "c"]]) await fixture.submit(id, { after });
  await fixture.store.cancel("a", "");
  const errors = await Promise.all(["a", "b", "c", "d"].map(async (id) => (await fixture.job(id)).error));
  assertEquals(errors, [
    "cancelled",
    'skipped: job "a", which must finish first, ended with error',
    'skipped: job "b", which must finish first, ended with error',
    'skipped: job "c", which must finish first, ended with error',
  ]);
  assertEquals(await fixture.server.call("EXISTS", fixture.keys.delay("r")), 0);
  assertEquals(await fixture.queue.promote("b"), "GONE");
});

Deno.test("promote() ends a job whose awaited job left Redis", async () => {
  await using fixture = await RedisFixture.open();
  await fixture.submit("a");
  await fixture.submit("b", { after: "a" });
  await fixture.submit("c", { after: "b" });
  await fixture.server.call("DEL", fixture.keys.job("a"));
  assertEquals(await fixture.queue.promote("b", { force: true }), "SKIPPED");
  assertEquals((await fixture.job("b")).error, 'skipped: job "a", which must finish first, is gone');
  assertEquals((await fixture.job("c")).error, 'skipped: job "b", which must finish first, ended with error');
  assertEquals(await fixture.server.call("EXISTS", fixture.keys.after("a"), fixture.keys.delay("r")), 0);
});

Deno.test("promote() forgets a delayed job that ended or left meanwhile", async () => {
  await using fixture = await RedisFixture.open();
  await fixture.submit("a");
  for (const id of ["ended", "runs", "left"]) await fixture.submit(id, { after: "a" });
  await fixture.server.call("HSET", fixture.keys.job("ended"), "status", "finished");
  await fixture.server.call("HSET", fixture.keys.job("runs"), "status", "started");
  await fixture.server.call("DEL", fixture.keys.job("left"));
  for (const id of ["ended", "runs", "left"]) assertEquals(await fixture.queue.promote(id, { force: true }), "GONE");
  assertEquals(await fixture.server.call("EXISTS", fixture.keys.delay("r")), 0);
  assertEquals(await fixture.server.call("SMEMBERS", fixture.keys.after("a")), []);
});

Deno.test("submit() after a job that is a JSON string waits for it", async () => {
  await using fixture = await RedisFixture.open();
  await fixture.server.call("SET", fixture.keys.job("a"), "{}");
  await fixture.submit("b", { after: "a" });
  assertEquals((await fixture.job("b")).status, "dispatched");
  assertEquals(await fixture.server.call("ZCARD", fixture.keys.delay("r")), 1);
});

Deno.test("cancel() ends a job that waits, wherever it waits", async () => {
  await using fixture = await RedisFixture.open();
  await fixture.submit("queued");
  await fixture.submit("delayed", { notBeforeMs: await fixture.store.time() + 60_000 });
  await fixture.claimed("claimed", { priority: "high" });
  for (const id of ["queued", "delayed", "claimed"]) {
    assertEquals(await fixture.store.cancel(id, "no more"), { type: "CANCELLED" });
    const { status, error } = await fixture.job(id);
    assertEquals([status, error], ["error", "cancelled: no more"]);
    assertEquals((await fixture.meta(id)).exit, "130");
    assert(Number(await fixture.server.call("PTTL", fixture.keys.job(id))) > 0);
    assertEquals(await fixture.store.cancel(id, ""), { type: "FINAL" });
  }
  assertEquals(await fixture.server.call("EXISTS", fixture.keys.delay("r")), 0);
  assertEquals((await fixture.queue.start("claimed")).type, "FINAL");
  assertEquals(await fixture.queue.claimed(), []);
  assertEquals(await fixture.list(fixture.keys.queue("r")), []);
  assertEquals(await fixture.store.cancel("none", ""), { type: "MISSING" });
});

Deno.test("cancel() removes a job from the queue at once, so that it counts no more, where no runner lives", async () => {
  await using fixture = await RedisFixture.open();
  const { store, server, keys } = fixture;
  const submit = (id: string, more: object = {}) =>
    store.submit({ id, payload: "true", runner: "away", executor: "tmux.main", ...more }, { maxQueued: 2 });
  await submit("a");
  await submit("b", { priority: "low" });
  assertEquals((await submit("c")).type, "FULL");
  for (const id of ["a", "b"]) await store.cancel(id, "");
  assertEquals((await store.queues()).filter(({ runner }) => runner === "away"), []);
  assertEquals((await submit("c")).type, "OK");
  const [{ queued }] = (await store.queues()).filter(({ runner }) => runner === "away");
  assertEquals(queued, 1);
  // a job that names no runner, and one that a foreign program has pushed to another one
  await server.call("HSET", keys.job("bare"), "payload", "true");
  await server.call("HSET", keys.job("strayed"), "payload", "true", "runner", "r");
  await server.call("LPUSH", keys.queue("away"), "bare", "strayed");
  for (const id of ["bare", "strayed"]) assertEquals(await store.cancel(id, ""), { type: "CANCELLED" });
  assertEquals(await fixture.list(keys.queue("away")), ["c"]);
});

Deno.test("cancel() of a started job asks its runner, and a retry does not follow", async () => {
  await using fixture = await RedisFixture.open();
  const run = await fixture.started("a");
  assertEquals(await fixture.store.cancel("a", "enough"), { type: "REQUESTED" });
  assertEquals(await fixture.store.cancel("a", "really"), { type: "REQUESTED" });
  const heartbeat = await fixture.queue.heartbeat([run], "up");
  assertEquals(heartbeat.type === "OK" && heartbeat.cancel, [{ id: "a", reason: "really" }]);
  const end = { state: "error", error: "cancelled: really", exitCode: 130, retryDelayMs: 10 } as const;
  assertEquals((await fixture.queue.finish(ended(run, end))).type, "OK");
  assertEquals((await fixture.job("a")).error, "cancelled: really");
});

Deno.test("cancel() finds a further attempt that waits, also of a job that names no runner", async () => {
  await using fixture = await RedisFixture.open();
  await fixture.server.call("HSET", fixture.keys.job("a"), "payload", "false");
  await fixture.server.call("LPUSH", fixture.keys.queue("r"), "a");
  await fixture.queue.claim(1);
  const run = await fixture.queue.start("a") as { token: string };
  const failed = { state: "error", error: "exited with code 1", exitCode: 1, retryDelayMs: 60_000 } as const;
  assertEquals((await fixture.queue.finish(ended({ id: "a", token: run.token }, failed))).type, "RETRY");
  assertEquals(await fixture.store.cancel("a", ""), { type: "CANCELLED" });
  assertEquals(await fixture.server.call("EXISTS", fixture.keys.delay("r")), 0);
});

Deno.test("submit() with a limit refuses what would be too much, and counts whatever waits", async () => {
  await using fixture = await RedisFixture.open();
  const submit = (id: string, maxQueued: number) =>
    fixture.store.submit({ id, payload: "true", runner: "r", executor: "tmux.main" }, { maxQueued });
  await fixture.submit("normal");
  await fixture.submit("low", { priority: "low" });
  await fixture.submit("delayed", { notBeforeMs: await fixture.store.time() + 60_000 });
  await fixture.submit("elsewhere", { runner: "other" });
  const before = await fixture.server.digest();
  assertEquals(await submit("a", 3), { type: "FULL", waiting: 3 });
  assertEquals(await submit("a", 1), { type: "FULL", waiting: 3 });
  assertEquals(await submit("low", 3), { type: "EXISTS" });
  assertEquals(await fixture.server.digest(), before);
  assertEquals(await submit("a", 4), { type: "OK" });
  assertEquals(await submit("b", 4), { type: "FULL", waiting: 4 });
  await fixture.queue.claim(1);
  assertEquals(await submit("b", 4), { type: "OK" });
});

Deno.test("submit() with a limit is exact when many submit at once", async () => {
  await using fixture = await RedisFixture.open();
  const job = (i: number) => ({ id: `j${i}`, payload: "true", runner: "r", executor: "tmux.main" });
  const replies = await Promise.all(
    Array.from({ length: 50 }, (_, i) => fixture.store.submit(job(i), { maxQueued: 20 })),
  );
  assertEquals(replies.filter(({ type }) => type === "OK").length, 20);
  assertEquals((await fixture.list(fixture.keys.queue("r"))).length, 20);
});
