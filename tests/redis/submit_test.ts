import { Script } from "../../src/redis/script.ts";
import { JOB_FIELDS } from "../../src/domain/job.ts";
import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { ended, Stage } from "./stage.ts";

Deno.test("submit() writes exactly the fields of a job, pushes its id and indexes it", async () => {
  await using stage = await Stage.open();
  const env = { A: "1", B: "ü" };
  assertEquals(
    await stage.submit("a", { env, callerId: "c", contextId: "x", timeout: 1.5, payload: "\ufeffecho" }),
    "OK",
  );
  const job = await stage.job("a");
  assertEquals(Object.keys(job).sort(), [...JOB_FIELDS].sort());
  const { created_at, updated_at, ...rest } = job;
  assertEquals(rest, {
    ...{ id: "a", caller_id: "c", context_id: "x", runner: "r", executor: "tmux.main", payload: "\ufeffecho" },
    ...{ status: "dispatched", result: "", error: "", timeout: "1.5", env_vars: JSON.stringify(env) },
  });
  assertEquals(created_at, updated_at);
  assertEquals(await stage.list(stage.keys.queue("r")), ["a"]);
  assertEquals(await stage.store.newest(10), ["a"]);
  assertEquals(await stage.server.call("EXISTS", stage.keys.side("a")), 0);
  assertEquals(await stage.server.call("SMEMBERS", stage.keys.names()), ["r"]);
});

Deno.test("submit() writes Redis' own time in RFC 3339 UTC with milliseconds", async () => {
  await using stage = await Stage.open();
  await stage.submit("a");
  const { created_at } = await stage.job("a");
  assertMatch(created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  const score = Number(await stage.server.call("ZSCORE", stage.keys.jobs(), "a"));
  assertEquals(new Date(score).toISOString(), created_at);
});

Deno.test("stamp() agrees with the calendar on every odd day", async () => {
  await using stage = await Stage.open();
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
    assertEquals(await stage.server.call("EVAL", text, 0, Date.parse(day)), day);
  }
});

Deno.test("submit() of an id that is there changes nothing", async () => {
  await using stage = await Stage.open();
  await stage.submit("a", { payload: "one" });
  const before = await stage.server.digest();
  assertEquals(await stage.submit("a", { payload: "two", title: "t" }), "EXISTS");
  assertEquals(await stage.server.digest(), before);
});

Deno.test("submit() of an id that was deleted goes on counting attempts and forgets the rest", async () => {
  await using stage = await Stage.open();
  const old = await stage.started("a", { retries: 3 });
  await stage.server.call("DEL", stage.keys.job("a"));
  assertEquals(await stage.submit("a"), "OK");
  assertEquals(await stage.side("a"), { attempt: "1" });
  assertEquals((await stage.queue.finish(ended(old))).type, "MISSING");
  const { job, side, attempt } = old;
  assertEquals(await stage.queue.reassert({ ...old, job, side, attempt, startedMs: 1 }), "FENCED");
});

Deno.test("claim() takes jobs by priority, and low ones when nothing else waits", async () => {
  await using stage = await Stage.open();
  await stage.submit("n1");
  await stage.submit("low1", { priority: "low" });
  await stage.submit("low2", { priority: "low" });
  await stage.submit("n2");
  await stage.submit("high", { priority: "high" });
  assertEquals((await stage.store.queues())[0].queued, 5);
  const place = async (id: string) => (await stage.store.place((await stage.store.read(id))!)).ahead;
  assertEquals(await Promise.all(["high", "n1", "n2", "low1", "low2"].map(place)), [0, 1, 2, 3, 4]);
  const order: string[] = [];
  for (let ids; (ids = await stage.claim(2)).length > 0;) order.push(...ids);
  assertEquals(order, ["high", "n1", "n2", "low1", "low2"]);
});

Deno.test("submit() of a low job into an empty queue wakes up who waits", async () => {
  await using stage = await Stage.open();
  const claim = stage.queue.wait(5_000);
  await stage.submit("low", { priority: "low" });
  assertEquals(new TextDecoder().decode((await claim)!), "low");
});

Deno.test("promote() moves a delayed job when it is due, not before", async () => {
  await using stage = await Stage.open();
  const now = await stage.store.time();
  await stage.submit("soon", { notBeforeMs: now + 150 });
  await stage.submit("late", { notBeforeMs: now + 60_000 });
  await stage.submit("past", { notBeforeMs: now - 1 });
  assertEquals(await stage.list(stage.keys.queue("r")), ["past"]);
  assertEquals((await stage.store.place((await stage.store.read("late"))!)).dueMs, now + 60_000);
  assertEquals(await stage.queue.promote("late"), "EARLY");
  assertEquals(await stage.queue.promote("late", { force: true }), "EARLY");
  assertEquals(await stage.queue.promote("none"), "GONE");
  let due: readonly string[] = [];
  while (due.length === 0) due = await stage.queue.due(10);
  assertEquals(due, ["soon"]);
  let reply = await stage.queue.promote("soon");
  while (reply === "EARLY") reply = await stage.queue.promote("soon");
  assertEquals(reply, "PROMOTED");
  assertEquals(await stage.queue.promote("soon"), "GONE");
  assertEquals(await stage.list(stage.keys.queue("r")), ["soon", "past"]);
});

Deno.test("submit() after a job that ended starts or ends at once", async () => {
  await using stage = await Stage.open();
  await stage.queue.finish(ended(await stage.started("good")));
  await stage.queue.finish(
    ended(await stage.started("bad"), { state: "error", error: "exited with code 3", exitCode: 3 }),
  );
  assertEquals(await stage.submit("a", { after: "good" }), "OK");
  assertEquals(await stage.list(stage.keys.queue("r")), ["a"]);
  assertEquals(await stage.submit("b", { after: "bad" }), "OK");
  assertEquals((await stage.job("b")).error, 'not started: job "bad" it waits for ended with error');
  assertEquals(await stage.submit("c", { after: "none", keep: 0 }), "OK");
  assertEquals((await stage.job("c")).error, 'not started: job "none" it waits for is not there');
  assertEquals((await stage.side("c")).exit, "1");
  assert(Number(await stage.server.call("PTTL", stage.keys.job("b"))) > 0);
  assertEquals(await stage.server.call("PTTL", stage.keys.job("c")), -1);
});

Deno.test("finish() names the jobs that waited, and promote() lets them start", async () => {
  await using stage = await Stage.open();
  const run = await stage.started("a");
  await stage.submit("b", { after: "a", runner: "r" });
  await stage.submit("c", { after: "a", runner: "other" });
  const later = await stage.store.time() + 120_000;
  await stage.submit("d", { after: "a", notBeforeMs: later });
  assertEquals(await stage.queue.promote("b"), "EARLY");
  assertEquals(await stage.queue.promote("b", { force: true }), "WAITS");
  const { type, waiters } = await stage.queue.finish(ended(run));
  assertEquals([type, waiters.toSorted()], ["OK", [["other", "c"], ["r", "b"], ["r", "d"]]]);
  assert(Number(await stage.server.call("PTTL", stage.keys.after("a"))) > 0);
  assertEquals((await stage.queue.finish(ended(run))).waiters.length, 3);
  for (const [runner, id] of waiters) await stage.queue.promote(id, { runner, force: true });
  assertEquals(await stage.list(stage.keys.queue("r")), ["b"]);
  assertEquals(await stage.list(stage.keys.queue("other")), ["c"]);
  assertEquals(await stage.server.call("ZSCORE", stage.keys.delay("r"), "d"), String(later));
  await stage.server.call("ZADD", stage.keys.delay("r"), 1, "d");
  await stage.server.call("HSET", stage.keys.side("d"), "not_before", 1);
  assertEquals(await stage.queue.promote("d"), "PROMOTED");
  assertEquals(await stage.server.call("EXISTS", stage.keys.after("a")), 0);
});

Deno.test("promote() looks at a job that waits again in a minute", async () => {
  await using stage = await Stage.open();
  await stage.submit("a");
  await stage.submit("b", { after: "a" });
  await stage.server.call("ZADD", stage.keys.delay("r"), 1, "b");
  assertEquals(await stage.queue.promote("b"), "WAITS");
  const due = Number(await stage.server.call("ZSCORE", stage.keys.delay("r"), "b"));
  assert(Math.abs(due - await stage.store.time() - 60_000) < 5_000);
});

Deno.test("the end of a job with error ends the whole chain behind it", async () => {
  await using stage = await Stage.open();
  await stage.submit("a");
  for (const [id, after] of [["b", "a"], ["c", "b"], ["d", "c"]]) await stage.submit(id, { after });
  await stage.store.cancel("a", "");
  const errors = await Promise.all(["a", "b", "c", "d"].map(async (id) => (await stage.job(id)).error));
  assertEquals(errors, [
    "cancelled",
    'not started: job "a" it waits for ended with error',
    'not started: job "b" it waits for ended with error',
    'not started: job "c" it waits for ended with error',
  ]);
  assertEquals(await stage.server.call("EXISTS", stage.keys.delay("r")), 0);
  assertEquals(await stage.queue.promote("b"), "GONE");
});

Deno.test("promote() ends a job whose awaited job left Redis", async () => {
  await using stage = await Stage.open();
  await stage.submit("a");
  await stage.submit("b", { after: "a" });
  await stage.submit("c", { after: "b" });
  await stage.server.call("DEL", stage.keys.job("a"));
  assertEquals(await stage.queue.promote("b", { force: true }), "FAILED");
  assertEquals((await stage.job("b")).error, 'not started: job "a" it waits for is not there');
  assertEquals((await stage.job("c")).error, 'not started: job "b" it waits for ended with error');
  assertEquals(await stage.server.call("EXISTS", stage.keys.after("a"), stage.keys.delay("r")), 0);
});

Deno.test("promote() forgets a delayed job that ended or left meanwhile", async () => {
  await using stage = await Stage.open();
  await stage.submit("a");
  for (const id of ["ended", "runs", "left"]) await stage.submit(id, { after: "a" });
  await stage.server.call("HSET", stage.keys.job("ended"), "status", "finished");
  await stage.server.call("HSET", stage.keys.job("runs"), "status", "started");
  await stage.server.call("DEL", stage.keys.job("left"));
  for (const id of ["ended", "runs", "left"]) assertEquals(await stage.queue.promote(id, { force: true }), "GONE");
  assertEquals(await stage.server.call("EXISTS", stage.keys.delay("r")), 0);
  assertEquals(await stage.server.call("SMEMBERS", stage.keys.after("a")), []);
});

Deno.test("submit() after a job that is a JSON string waits for it", async () => {
  await using stage = await Stage.open();
  await stage.server.call("SET", stage.keys.job("a"), "{}");
  await stage.submit("b", { after: "a" });
  assertEquals((await stage.job("b")).status, "dispatched");
  assertEquals(await stage.server.call("ZCARD", stage.keys.delay("r")), 1);
});

Deno.test("cancel() ends a job that waits, wherever it waits", async () => {
  await using stage = await Stage.open();
  await stage.submit("queued");
  await stage.submit("delayed", { notBeforeMs: await stage.store.time() + 60_000 });
  await stage.claimed("claimed", { priority: "high" });
  for (const id of ["queued", "delayed", "claimed"]) {
    assertEquals(await stage.store.cancel(id, "no more"), { type: "CANCELLED" });
    const { status, error } = await stage.job(id);
    assertEquals([status, error], ["error", "cancelled: no more"]);
    assertEquals((await stage.side(id)).exit, "130");
    assert(Number(await stage.server.call("PTTL", stage.keys.job(id))) > 0);
    assertEquals(await stage.store.cancel(id, ""), { type: "TERMINAL" });
  }
  assertEquals(await stage.server.call("EXISTS", stage.keys.delay("r")), 0);
  assertEquals((await stage.queue.start("claimed")).type, "TERMINAL");
  assertEquals(await stage.queue.claimed(), []);
  assertEquals(await stage.list(stage.keys.queue("r")), []);
  assertEquals(await stage.store.cancel("none", ""), { type: "MISSING" });
});

Deno.test("cancel() takes a job off the queue at once, so that it counts no more, where no runner lives", async () => {
  await using stage = await Stage.open();
  const { store, server, keys } = stage;
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
  assertEquals(await stage.list(keys.queue("away")), ["c"]);
});

Deno.test("cancel() of a started job asks its runner, and a retry does not follow", async () => {
  await using stage = await Stage.open();
  const run = await stage.started("a");
  assertEquals(await stage.store.cancel("a", "enough"), { type: "REQUESTED" });
  assertEquals(await stage.store.cancel("a", "really"), { type: "REQUESTED" });
  const beat = await stage.queue.beat([run], "up");
  assertEquals(beat.type === "OK" && beat.cancel, [{ id: "a", reason: "really" }]);
  const end = { state: "error", error: "cancelled: really", exitCode: 130, retryDelayMs: 10 } as const;
  assertEquals((await stage.queue.finish(ended(run, end))).type, "OK");
  assertEquals((await stage.job("a")).error, "cancelled: really");
});

Deno.test("cancel() finds a further attempt that waits, also of a job that names no runner", async () => {
  await using stage = await Stage.open();
  await stage.server.call("HSET", stage.keys.job("a"), "payload", "false");
  await stage.server.call("LPUSH", stage.keys.queue("r"), "a");
  await stage.queue.claim(1);
  const run = await stage.queue.start("a") as { token: string };
  const failed = { state: "error", error: "exited with code 1", exitCode: 1, retryDelayMs: 60_000 } as const;
  assertEquals((await stage.queue.finish(ended({ id: "a", token: run.token }, failed))).type, "RETRY");
  assertEquals(await stage.store.cancel("a", ""), { type: "CANCELLED" });
  assertEquals(await stage.server.call("EXISTS", stage.keys.delay("r")), 0);
});

Deno.test("submit() with a limit refuses what would be too much, and counts whatever waits", async () => {
  await using stage = await Stage.open();
  const submit = (id: string, maxQueued: number) =>
    stage.store.submit({ id, payload: "true", runner: "r", executor: "tmux.main" }, { maxQueued });
  await stage.submit("normal");
  await stage.submit("low", { priority: "low" });
  await stage.submit("delayed", { notBeforeMs: await stage.store.time() + 60_000 });
  await stage.submit("elsewhere", { runner: "other" });
  const before = await stage.server.digest();
  assertEquals(await submit("a", 3), { type: "FULL", waiting: 3 });
  assertEquals(await submit("a", 1), { type: "FULL", waiting: 3 });
  assertEquals(await submit("low", 3), { type: "EXISTS" });
  assertEquals(await stage.server.digest(), before);
  assertEquals(await submit("a", 4), { type: "OK" });
  assertEquals(await submit("b", 4), { type: "FULL", waiting: 4 });
  await stage.queue.claim(1);
  assertEquals(await submit("b", 4), { type: "OK" });
});

Deno.test("submit() with a limit is exact when many submit at once", async () => {
  await using stage = await Stage.open();
  const job = (i: number) => ({ id: `j${i}`, payload: "true", runner: "r", executor: "tmux.main" });
  const replies = await Promise.all(
    Array.from({ length: 50 }, (_, i) => stage.store.submit(job(i), { maxQueued: 20 })),
  );
  assertEquals(replies.filter(({ type }) => type === "OK").length, 20);
  assertEquals((await stage.list(stage.keys.queue("r"))).length, 20);
});
