import { assert, assertEquals } from "../support/assert.ts";
import { batchOf, countsOf, runNext, settleAll, submitAll } from "./batch_fixture.ts";
import { INFO, RedisFixture } from "./redis_fixture.ts";

Deno.test("batchSubmit() stores complete jobs, what they share once, and queues them in their order", async () => {
  await using fixture = await RedisFixture.open();
  const shared = {
    payload: "echo $N",
    runner: "r",
    executor: "tmux.main",
    title: "grid",
    labels: { a: "b" },
    retries: 1,
  };
  await submitAll(fixture, batchOf("b", 3, { shared }));
  const job = await fixture.job("b.2");
  assertEquals(job.payload, "echo $N");
  assertEquals([job.id, job.status, job.runner, job.env_vars], ["b.2", "dispatched", "r", '{"N":"2"}']);
  assertEquals(await fixture.meta("b.2"), { as: "q" });
  assertEquals(await fixture.list(fixture.keys.queue("r")), ["b.3", "b.2", "b.1"]);
  assertEquals(await fixture.store.newest(9), ["b.3", "b.2", "b.1"]);
  assertEquals(await countsOf(fixture, "b"), { q: 3 });
  const all = { as: "q", title: "grid", "label:a": "b", retry_max: "1" };
  assertEquals((await fixture.store.read("b.2"))!.meta, all);
  assertEquals((await fixture.store.summaries(["b.2"]))[0]!.meta, all);
  await fixture.claim(1);
  const reply = await fixture.queue.start("b.1");
  assert(reply.type === "OK");
  assertEquals([reply.meta.title, reply.meta.retry_max, reply.job.payload], ["grid", "1", "echo $N"]);
});

Deno.test("batchSubmit() of the same submission goes on where it was, and another one under its id is refused", async () => {
  await using fixture = await RedisFixture.open();
  const batch = batchOf("b", 1200);
  const { batches } = fixture.store;
  assertEquals(await batches.batchSubmit(batch, 1), { type: "OK", stored: 500 });
  assertEquals(await batches.batchSubmit({ ...batch }, 1), { type: "AT", stored: 500 });
  assertEquals(await batches.batchSubmit({ ...batch, definition: "x" }, 501), { type: "OTHER" });
  assertEquals((await batches.read("b"))!.fields.closed, "");
  assertEquals(await batches.batchSubmit(batch, 501), { type: "OK", stored: 1000 });
  assertEquals(await batches.batchSubmit(batch, 1001), { type: "OK", stored: 1200 });
  assertEquals(await batches.batchSubmit(batch, 1), { type: "AT", stored: 1200 });
  assertEquals((await batches.read("b"))!.fields.closed, "1");
  assertEquals(await fixture.server.call("LLEN", fixture.keys.queue("r")), 1200);
  assertEquals(await countsOf(fixture, "b"), { q: 1200 });
});

Deno.test("batchSubmit() changes nothing when an id is taken, too many jobs wait, or a parent is missing", async () => {
  await using fixture = await RedisFixture.open();
  const { batches } = fixture.store;
  await fixture.submit("b.2");
  await fixture.submit("c");
  await submitAll(fixture, batchOf("e.1", 1));
  const before = await fixture.server.digest();
  assertEquals(await batches.batchSubmit(batchOf("b", 3), 1), { type: "TAKEN", id: "b.2" });
  assertEquals(await batches.batchSubmit(batchOf("c", 3), 1), { type: "TAKEN", id: "c" });
  assertEquals(await batches.batchSubmit(batchOf("e", 3), 1), { type: "TAKEN", id: "e.1" });
  assertEquals(await batches.batchSubmit(batchOf("d", 3), 1, { maxQueued: 5 }), { type: "FULL", waiting: 3 });
  const shared = { payload: "true", runner: "r", executor: "tmux.main", after: "none" };
  assertEquals(await batches.batchSubmit(batchOf("d", 3, { shared }), 1), { type: "ORPHAN", after: "none" });
  assertEquals(await fixture.server.digest(), before);
  assertEquals(await batches.batchSubmit(batchOf("d", 3), 1, { maxQueued: 6 }), { type: "OK", stored: 3 });
  assertEquals(await fixture.submit("d"), "EXISTS");
});

Deno.test("the record counts its members through every event", async () => {
  await using fixture = await RedisFixture.open();
  await submitAll(fixture, batchOf("b", 6));
  const counts = () => countsOf(fixture, "b");
  assertEquals(await runNext(fixture), "b.1");
  assertEquals(await counts(), { q: 5, ok: 1 });
  const { begun_ms } = (await fixture.store.batches.read("b"))!.fields;
  assertEquals(begun_ms, (await fixture.meta("b.1")).started_ms);
  await runNext(fixture, 3);
  assertEquals(await counts(), { q: 4, ok: 1, "failed:3": 1 });
  await runNext(fixture, 1, 60_000);
  assertEquals(await counts(), { q: 4, ok: 1, "failed:3": 1 });
  const [id] = await fixture.claim(1);
  assertEquals((await fixture.queue.start(id)).type, "OK");
  assertEquals(await counts(), { q: 3, started: 1, ok: 1, "failed:3": 1 });
  await fixture.store.cancel("b.5", "");
  assertEquals(await counts(), { q: 2, started: 1, ok: 1, "failed:3": 1, cancelled: 1 });
  await fixture.store.retry("b.2");
  assertEquals(await counts(), { q: 3, started: 1, ok: 1, cancelled: 1 });
  await fixture.expire("i");
  await fixture.queue.reap("i", { attempt: id }, { policy: "fail", graceMs: 0, lostAfterMs: 0 });
  assertEquals(await counts(), { q: 3, ok: 1, cancelled: 1, lost: 1 });
  assertEquals((await fixture.store.batches.read("b"))!.fields.begun_ms, begun_ms);
  assertEquals((await fixture.store.batches.read("b"))!.fields.recent.trim().split(" "), ["4", "5", "2"]);
});

Deno.test("a batch expires with its last member, and those that have expired stay counted", async () => {
  await using fixture = await RedisFixture.open();
  await submitAll(fixture, batchOf("b", 2));
  const left = () => fixture.server.call("PTTL", fixture.keys.batch("b")).then(Number);
  await runNext(fixture);
  assertEquals(await left(), -1);
  await fixture.server.call("DEL", fixture.keys.job("b.1"), fixture.keys.meta("b.1"));
  await runNext(fixture, 2);
  const [batch, job] = [await left(), Number(await fixture.server.call("PTTL", fixture.keys.job("b.2")))];
  assert(batch >= job && batch < job + 5000, `${batch} ${job}`);
  assertEquals(await countsOf(fixture, "b"), { ok: 1, "failed:2": 1 });
  await fixture.store.retry("b.2");
  assertEquals(await left(), -1);
});

Deno.test("a job waits for a whole batch, and the verdict falls when all members have ended", async () => {
  await using fixture = await RedisFixture.open();
  await submitAll(fixture, batchOf("b", 2));
  await fixture.submit("all", { after: "b" });
  await fixture.submit("any", { afterEnd: "b" });
  const states = async () => [(await fixture.job("all")).status, (await fixture.list(fixture.keys.queue("r"))).sort()];
  await runNext(fixture, 1);
  assertEquals(await states(), ["dispatched", ["b.2"]]);
  await fixture.store.retry("b.1");
  await runNext(fixture);
  assertEquals(await states(), ["dispatched", ["b.1"]]);
  await runNext(fixture);
  assertEquals(await states(), ["dispatched", ["all", "any"]]);
});

Deno.test("a job that must follow a batch is skipped when one of its members has failed, and one that may follows", async () => {
  await using fixture = await RedisFixture.open();
  await submitAll(fixture, batchOf("b", 2));
  await fixture.submit("all", { after: "b" });
  await fixture.submit("any", { afterEnd: "b" });
  await runNext(fixture, 1);
  await runNext(fixture);
  assertEquals((await fixture.job("all")).error, 'skipped: job "b", which must finish first, ended with error');
  assertEquals(await fixture.list(fixture.keys.queue("r")), ["any"]);
  // one that comes later is decided at once
  await fixture.submit("late", { after: "b" });
  assertEquals((await fixture.job("late")).status, "error");
});

Deno.test("the members of a batch wait for another batch, and one that can never start is skipped as a whole", async () => {
  await using fixture = await RedisFixture.open();
  await submitAll(fixture, batchOf("a", 1));
  const shared = { payload: "true", runner: "r", executor: "tmux.main", after: "a" };
  await submitAll(fixture, batchOf("b", 150, { shared }));
  await submitAll(fixture, batchOf("c", 2, { shared: { ...shared, after: "b" } }));
  assertEquals(await fixture.list(fixture.keys.queue("r")), ["a.1"]);
  await runNext(fixture, 1);
  assertEquals(await countsOf(fixture, "b"), { skipped: 150 });
  assertEquals(await countsOf(fixture, "c"), { skipped: 2 });
  await submitAll(fixture, batchOf("d", 3, { shared }));
  assertEquals(await countsOf(fixture, "d"), { skipped: 3 });
});

Deno.test("after Redis lost everything, the members that run bring back what is known of their batch", async () => {
  await using fixture = await RedisFixture.open();
  const shared = { payload: "true", runner: "r", executor: "tmux.main", title: "grid" };
  await submitAll(fixture, batchOf("b", 5, { shared }));
  const [, id] = await fixture.claim(2);
  const started = await fixture.queue.start(id);
  assert(started.type === "OK");
  const { token, attempt, job, meta } = started;
  await fixture.server.call("FLUSHALL");
  await fixture.queue.register(INFO);
  const record = { id, token, attempt, startedMs: 1, job, meta };
  assertEquals(await fixture.queue.reassert(record), "OK");
  assertEquals(await fixture.queue.reassert(record), "OK");
  assertEquals(await countsOf(fixture, "b"), { started: 1 });
  const { fields } = (await fixture.store.batches.read("b"))!;
  assertEquals([fields.rebuilt, fields.size, fields.stored, fields.closed], ["1", "2", "2", "1"]);
  assertEquals((await fixture.store.read("b.2"))!.meta.title, "grid");
  const end = { state: "finished", result: "", error: "", exitCode: 0, outputBytes: 0, ms: 1 } as const;
  await fixture.queue.finish({ ...end, id, token, keep: 60, retryDelayMs: null });
  assertEquals(await countsOf(fixture, "b"), { ok: 1 });
});

Deno.test("a batch of which Redis lost the record has not finished, also when all members in the new record have", async () => {
  await using fixture = await RedisFixture.open();
  await submitAll(fixture, batchOf("b", 2));
  const [id] = await fixture.claim(1);
  const started = await fixture.queue.start(id);
  assert(started.type === "OK");
  await fixture.server.call("DEL", fixture.keys.batch("b"));
  const end = { state: "finished", result: "", error: "", exitCode: 0, outputBytes: 0, ms: 1 } as const;
  await fixture.queue.finish({ ...end, id, token: started.token, keep: 60, retryDelayMs: null });
  assertEquals(await countsOf(fixture, "b"), { ok: 1 });
  await fixture.submit("child", { after: "b" });
  assertEquals((await fixture.job("child")).status, "error");
});

Deno.test("one round of the janitor checks the members of several batches, and forgets those that are gone", async () => {
  await using fixture = await RedisFixture.open();
  for (const id of ["a", "b", "c", "d"]) {
    await submitAll(fixture, batchOf(id, 3));
    await fixture.server.call("DEL", fixture.keys.job(`${id}.2`));
  }
  await fixture.server.call("DEL", fixture.keys.batch("a"));
  await fixture.queue.sweep(9);
  assertEquals(await fixture.server.call("ZRANGE", fixture.keys.batches(), 0, -1), ["b", "c", "d"]);
  const lost = async () =>
    (await Promise.all(["b", "c", "d"].map((id) => countsOf(fixture, id)))).map((one) => one.lost);
  assertEquals(await lost(), [1, 1, undefined]);
  await fixture.queue.sweep(9);
  assertEquals(await lost(), [1, 1, 1]);
});

Deno.test("whatever stands in a record, the events of members do not fail half-way", async () => {
  const names = [
    "size",
    "stored",
    "n:q",
    "n:started",
    "n:ok",
    "n:failed:1",
    "failures",
    "stop_after",
    "till",
    "cursor",
  ];
  for (const name of [...names, "begun_ms", "recent", "reason", "of:keep"]) {
    await using fixture = await RedisFixture.open();
    const { batches } = fixture.store;
    const batch = batchOf(name, 502);
    const spoil = () => fixture.server.call("HSET", fixture.keys.batch(name), name, "x");
    await batches.batchSubmit(batch, 1);
    await spoil();
    await batches.batchSubmit(batch, 501);
    await runNext(fixture);
    await spoil();
    await runNext(fixture, 1);
    await spoil();
    await fixture.submit(`after ${name}`, { afterEnd: name });
    await fixture.server.call("HSET", fixture.keys.batch(name), "stopping", "skip", name, "x");
    const [id] = await fixture.claim(1);
    await fixture.queue.start(id);
    await spoil();
    await batches.batchCancel(name, "");
    await settleAll(fixture);
    await fixture.queue.sweep(1000);
  }
});

Deno.test("a member has what is its own in its job and metadata, and keeps the count of attempts of an earlier job", async () => {
  await using fixture = await RedisFixture.open();
  await fixture.server.call("HSET", fixture.keys.meta("b.1"), "attempt", "7", "title", "old");
  const own = { payload: "echo own", timeout: 5, labels: { part: "a" }, title: "mine" };
  const shared = { payload: "true", runner: "r", executor: "tmux.main", title: "all" };
  await submitAll(fixture, batchOf("b", 2, { shared, member: (index) => ({ env: {}, own: index === 1 ? own : {} }) }));
  const job = await fixture.job("b.1");
  assertEquals([job.payload, job.timeout, job.executor], ["echo own", "5", "tmux.main"]);
  assertEquals(await fixture.meta("b.1"), { as: "q", title: "mine", "label:part": "a", attempt: "7" });
  assertEquals((await fixture.store.read("b.2"))!.meta.title, "all");
  const [id] = await fixture.claim(1);
  const reply = await fixture.queue.start(id);
  assert(reply.type === "OK");
  assertEquals([reply.attempt, reply.meta.title], [8, "mine"]);
});
