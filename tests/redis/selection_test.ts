import { cancelJobs } from "../../src/client/cancel.ts";
import { listJobs } from "../../src/client/list_jobs.ts";
import { purgeNamed } from "../../src/client/purge.ts";
import { retryJobs } from "../../src/client/retry.ts";
import { selectJobs } from "../../src/client/select_jobs.ts";
import type { Filter } from "../../src/client/selection.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { ended, RedisFixture } from "./redis_fixture.ts";

/** Every id of an iterable of pages. */
async function idsOf(pages: AsyncIterable<readonly string[]>): Promise<string[]> {
  return (await Array.fromAsync(pages)).flat();
}

/** A job that a foreign client queues with two commands, and no other. */
async function queueForeign({ server, keys }: RedisFixture, id: string, queue = "r", fields: string[] = []) {
  await server.call("HSET", keys.job(id), "payload", `echo ${id}`, ...fields);
  await server.call("LPUSH", keys.queue(queue), id);
}

/** Cancels what fits; returns what became of each job. */
async function cancelFitting({ store }: RedisFixture, filter: Filter): Promise<Record<string, string>> {
  const results: Record<string, string> = {};
  const onResult = (id: string, result: string) => void (results[id] = result);
  await cancelJobs(store, await selectJobs(store, filter), { filter, reason: "why", onResult });
  return results;
}

Deno.test("indexed() yields every id once, also when many have one score", async () => {
  await using fixture = await RedisFixture.open();
  const { server, keys, store } = fixture;
  const add = `for i = 1, 5000 do redis.call('ZADD', KEYS[1], i <= 2500 and 7 or math.floor(i / 3), 'j' .. i) end`;
  await server.call("EVAL", add, 1, keys.jobs());
  const ids = await idsOf(store.indexed());
  assertEquals([ids.length, new Set(ids).size, await store.indexSize()], [5_000, 5_000, 5_000]);
  await server.call("DEL", keys.jobs());
  assertEquals([await idsOf(store.indexed()), await store.indexSize()], [[], 0]);
});

Deno.test("indexed() misses no id when others leave the index meanwhile", async () => {
  await using fixture = await RedisFixture.open();
  const { server, keys, store } = fixture;
  await server.call("EVAL", `for i = 1, 3000 do redis.call('ZADD', KEYS[1], i, 'j' .. i) end`, 1, keys.jobs());
  const seen: string[] = [];
  for await (const ids of store.indexed()) {
    seen.push(...ids);
    await server.call("ZREM", keys.jobs(), ...ids);
  }
  assertEquals([seen.length, seen.at(-1)], [3_000, "j3000"]);
});

Deno.test("waiting() yields what stands in queues, is delayed or claimed, of every name", async () => {
  await using fixture = await RedisFixture.open();
  const { server, keys, store } = fixture;
  await fixture.claimed("claimed");
  await fixture.submit("high", { priority: "high" });
  await fixture.submit("low", { priority: "low" });
  await fixture.submit("later", { notBeforeMs: 9e12 });
  await fixture.submit("other", { runner: "q" });
  await queueForeign(fixture, "foreign");
  await server.call("SET", keys.low("q"), "a foreign value");
  await server.call("EVAL", `for i = 1, 2500 do redis.call('LPUSH', KEYS[1], 'n' .. i) end`, 1, keys.queue("q"));
  const found: Record<string, string> = {};
  for await (const { runner, ids } of store.waiting()) for (const id of ids) found[id] = runner;
  const { claimed, high, low, later, other, foreign } = found;
  assertEquals([claimed, high, low, later, other, foreign], ["r", "r", "r", "r", "q", "r"]);
  assertEquals(Object.keys(found).length, 2_506);
});

Deno.test("a selection reaches jobs of foreign clients in queues, which a status lists as well", async () => {
  await using fixture = await RedisFixture.open();
  const { store } = fixture;
  await queueForeign(fixture, "bare");
  await queueForeign(fixture, "named", "r", ["runner", "r", "caller_id", "me", "status", "dispatched"]);
  await fixture.submit("ours");
  const waiting = { states: ["queued"], runner: "r" };
  const listed = await listJobs(store, { ...waiting, count: 10, among: 100 });
  assertEquals(listed.jobs.map(({ id, runner }) => `${id} ${runner}`).sort(), ["bare r", "named r", "ours r"]);
  const few = await listJobs(store, { ...waiting, count: 10, among: 1 });
  assertEquals(few.jobs.length, 2, "one of the index, and one of the others");
  assertEquals(await cancelFitting(fixture, { callerId: "me" }), { named: "cancelled" });
  assertEquals(await cancelFitting(fixture, waiting), { bare: "cancelled", ours: "cancelled" });
  assertEquals(await fixture.list(fixture.keys.queue("r")), []);
  assertEquals((await fixture.job("bare")).error, "cancelled: why");
});

Deno.test("a queue that only foreign clients have used is reached by its name", async () => {
  await using fixture = await RedisFixture.open();
  await queueForeign(fixture, "x", "unknown");
  assertEquals(await cancelFitting(fixture, { states: ["queued"] }), {});
  const named = { states: ["queued"], runner: "unknown" };
  assertEquals((await listJobs(fixture.store, { ...named, count: 5, among: 5 })).jobs.map(({ id }) => id), ["x"]);
  assertEquals(await cancelFitting(fixture, named), { x: "cancelled" });
});

Deno.test("a job that was delayed, claimed or pushed into another queue is cancelled there", async () => {
  await using fixture = await RedisFixture.open();
  await fixture.claimed("claimed");
  await fixture.submit("later", { notBeforeMs: 9e12 });
  await queueForeign(fixture, "strayed", "r", ["runner", "elsewhere"]);
  const results = await cancelFitting(fixture, { states: ["queued"] });
  assertEquals(results, { claimed: "cancelled", later: "cancelled", strayed: "cancelled" });
  assertEquals(await fixture.list(fixture.keys.queue("r")), []);
  assertEquals(await fixture.server.call("ZCARD", fixture.keys.delay("r")), 0);
});

Deno.test("cancel() of waiting jobs leaves one alone that has started meanwhile, and says so", async () => {
  await using fixture = await RedisFixture.open();
  const { store, queue } = fixture;
  await fixture.submit("first");
  await fixture.submit("second");
  const filter = { states: ["queued"] };
  const jobs = await selectJobs(store, filter);
  await queue.claim(1);
  // starts after the job was read again, just before it is cancelled
  const cancel = store.cancel.bind(store);
  store.cancel = async (...args) => {
    if (args[0] === "first") await queue.start("first");
    return await cancel(...args);
  };
  const results: Record<string, string> = {};
  await cancelJobs(store, jobs, { filter, reason: "", onResult: (id, result) => void (results[id] = result) });
  assertEquals(results, { first: "changed", second: "cancelled" });
  assertEquals([(await fixture.job("first")).status, (await fixture.meta("first")).cancel], ["started", undefined]);
  assertEquals(await store.cancel("first", "", { waitingOnly: true }), { type: "STARTED" });
  assertEquals(await store.cancel("first", ""), { type: "REQUESTED" });
});

Deno.test("cancelling many goes on past a job with foreign values, and past one that has left", async () => {
  await using fixture = await RedisFixture.open();
  const { store, server, keys } = fixture;
  for (const id of ["a", "b", "c", "d"]) await fixture.submit(id);
  const filter = { runner: "r" };
  const jobs = await selectJobs(store, filter);
  await server.call("DEL", keys.meta("b"));
  await server.call("SET", keys.meta("b"), "foreign");
  await server.call("DEL", keys.job("c"));
  const results: Record<string, string> = {};
  await cancelJobs(store, jobs, { filter, reason: "", onResult: (id, result) => void (results[id] = result) });
  assertEquals(results, { a: "cancelled", b: "unfit", c: "gone", d: "cancelled" });
});

Deno.test("retrying many queues parents first, and puts each job once into its queue", async () => {
  await using fixture = await RedisFixture.open();
  const { store, queue } = fixture;
  const failed = { state: "error", error: "exited with code 3", exitCode: 3 } as const;
  await fixture.submit("outside");
  await fixture.submit("parent");
  await fixture.submit("child", { after: "parent" });
  await fixture.submit("grandchild", { after: "child" });
  await fixture.submit("orphan", { after: "outside" });
  for (const id of await fixture.claim(2)) {
    const reply = await queue.start(id);
    assert(reply.type === "OK");
    await queue.finish(ended({ id, token: reply.token }, failed));
  }
  for (const id of ["child", "grandchild", "orphan"]) await queue.promote(id, { force: true });
  const names = ["grandchild", "orphan", "child", "parent"];
  const results: Record<string, string> = {};
  await retryJobs(store, names.map((id) => ({ id, status: "error", queue: null })), {
    filter: { states: ["failed"] },
    onResult: (id, result) => void (results[id] = result),
  });
  assertEquals(results, { orphan: "blocked", parent: "queued", child: "waits", grandchild: "waits" });
  assertEquals(await fixture.list(fixture.keys.queue("r")), ["parent"]);
});

Deno.test("a job that was skipped is selected by that, and is retried after all that it waits for", async () => {
  await using fixture = await RedisFixture.open();
  const { store, queue } = fixture;
  for (const id of ["a", "b"]) await fixture.submit(id);
  await fixture.submit("child", { after: ["a", "b"] });
  for (const id of await fixture.claim(2)) {
    const reply = await queue.start(id);
    assert(reply.type === "OK");
    await queue.finish(ended({ id, token: reply.token }, { state: "error", error: "no", exitCode: 3 }));
  }
  for (const filter of [{ outcomes: ["skipped"] }, { states: ["skipped"] }] as const) {
    assertEquals((await selectJobs(store, filter)).map(({ id }) => id), ["child"]);
  }
  assertEquals((await selectJobs(store, { outcomes: ["failed"] })).map(({ id }) => id).toSorted(), ["a", "b"]);
  const results: string[] = [];
  await retryJobs(store, ["child", "a", "b"].map((id) => ({ id, status: "error", queue: null })), {
    filter: { states: ["failed"] },
    onResult: (id, result) => void results.push(`${id} ${result}`),
  });
  assertEquals(results, ["a queued", "b queued", "child waits"]);
  assertEquals((await fixture.meta("child")).skipped, undefined);
  assertEquals(await selectJobs(store, { outcomes: ["skipped"] }), []);
});

Deno.test("purge() of named jobs says of each what was done", async () => {
  await using fixture = await RedisFixture.open();
  const { store, queue, server, keys } = fixture;
  await queue.finish(ended(await fixture.started("over")));
  await queue.finish(ended(await fixture.started("parent")));
  await server.call("SADD", keys.after("parent"), "r\nchild");
  await fixture.started("stolen");
  await server.call("HSET", keys.job("stolen"), "status", "finished", "updated_at", "2020-01-01T00:00:00Z");
  await server.call("SET", keys.job("text"), "{}");
  await fixture.submit("waits");
  const ids = ["over", "parent", "stolen", "text", "waits", "none"];
  const replies = await purgeNamed(store, ids, await store.time());
  assertEquals(replies, ["deleted", "awaited", "running", "other", "other", "missing"]);
});

Deno.test("10,000 jobs are cancelled with a bounded number of commands", async () => {
  await using fixture = await RedisFixture.open();
  const { server, keys } = fixture;
  const submit = `for i = 1, 10000 do
    redis.call('HSET', KEYS[1] .. i, 'payload', 'true', 'runner', 'r', 'status', 'dispatched')
    redis.call('LPUSH', KEYS[2], i)
    redis.call('ZADD', KEYS[3], i, i)
  end
  redis.call('SADD', KEYS[4], 'r')`;
  await server.call("EVAL", submit, 4, keys.job(""), keys.queue("r"), keys.jobs(), keys.names());
  const calls = async () => Number(/evalsha:calls=(\d+)/.exec(String(await server.call("INFO", "commandstats")))?.[1]);
  const before = await calls();
  const results = await cancelFitting(fixture, { states: ["queued"] });
  assertEquals(Object.values(results).filter((result) => result === "cancelled").length, 10_000);
  // 2 x 50 reads, 10,000 / 32 cancellations, and the overview of the queues
  assert(await calls() - before < 450, String(await calls() - before));
  assertEquals(await server.call("LLEN", keys.queue("r")), 0);
});
