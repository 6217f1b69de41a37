import { assert, assertEquals } from "../support/assert.ts";
import { batchOf, countsOf, runNext, settleAll, submitAll } from "./batch_fixture.ts";
import { ended, RedisFixture } from "./redis_fixture.ts";

Deno.test("batchCancel() ends what waits, page by page, and asks for the end of what runs", async () => {
  await using fixture = await RedisFixture.open();
  await submitAll(fixture, batchOf("b", 2500));
  await fixture.submit("other");
  const [first] = await fixture.claim(2);
  const started = await fixture.queue.start(first);
  assert(started.type === "OK");
  assertEquals(await fixture.store.batches.batchCancel("b", "why"), "OK");
  assertEquals(await countsOf(fixture, "b"), { started: 1, cancelled: 2499 });
  assertEquals((await fixture.job("b.2500")).error, "cancelled: why");
  assertEquals((await fixture.meta(first)).cancel, "why");
  assertEquals(await fixture.list(fixture.keys.queue("r")), ["other"]);
  const { fields } = (await fixture.store.batches.read("b"))!;
  assertEquals([fields.stopping, fields.stopped, fields.closed], [undefined, "cancel", "1"]);
  assertEquals(await fixture.queue.unsettled(9), []);
  const end = { state: "error", error: "cancelled: why", exitCode: 130 } as const;
  await fixture.queue.finish(ended({ id: first, token: started.token }, end));
  assertEquals(await countsOf(fixture, "b"), { cancelled: 2500 });
  assertEquals(await fixture.store.batches.batchCancel("b", ""), "FINAL");
  assertEquals(await fixture.store.batches.batchCancel("none", ""), "MISSING");
});

Deno.test("a cancelled batch whose client died is ended by any runner, and none of its members starts meanwhile", async () => {
  await using fixture = await RedisFixture.open();
  await submitAll(fixture, batchOf("b", 3));
  await fixture.submit("after", { afterEnd: "b" });
  // the client died behind its first step
  await fixture.server.call("HSET", fixture.keys.batch("b"), "stopping", "cancel", "reason", "", "cursor", "0");
  await fixture.server.call("SADD", fixture.keys.unsettled(), "b");
  const [id] = await fixture.claim(1);
  assertEquals((await fixture.queue.start(id)).type, "CANCELLED");
  assertEquals(await countsOf(fixture, "b"), { q: 2, cancelled: 1 });
  await settleAll(fixture);
  assertEquals(await countsOf(fixture, "b"), { cancelled: 3 });
  assertEquals(await fixture.list(fixture.keys.queue("r")), ["after"]);
});

Deno.test("an open batch that is cancelled gets no further members", async () => {
  await using fixture = await RedisFixture.open();
  const { batches } = fixture.store;
  const batch = batchOf("b", 1200);
  await batches.batchSubmit(batch, 1);
  assertEquals(await batches.batchCancel("b", ""), "OK");
  assertEquals(await batches.batchSubmit(batch, 501), { type: "STOPPED", how: "cancel" });
  assertEquals(await countsOf(fixture, "b"), { cancelled: 500 });
  assert(Number(await fixture.server.call("PTTL", fixture.keys.batch("b"))) > 0);
});

Deno.test("after as many failures as stop_after says, the members that have not started are skipped", async () => {
  await using fixture = await RedisFixture.open();
  await submitAll(fixture, batchOf("b", 6, { stopAfter: 2 }));
  await fixture.submit("child", { afterEnd: "b" });
  await fixture.submit("of_member", { after: "b.6" });
  await fixture.store.cancel("b.6", "");
  await fixture.claim(1);
  const running = await fixture.queue.start("b.1");
  assert(running.type === "OK");
  await runNext(fixture, 1);
  assertEquals(await countsOf(fixture, "b"), { q: 3, started: 1, "failed:1": 1, cancelled: 1 });
  await runNext(fixture, 2);
  assertEquals(await countsOf(fixture, "b"), { started: 1, skipped: 2, "failed:1": 1, "failed:2": 1, cancelled: 1 });
  assertEquals((await fixture.job("b.4")).error, "skipped: 2 members of its batch have failed");
  assertEquals((await fixture.meta("b.4")).exit, "123");
  assertEquals((await fixture.meta("b.1")).cancel, undefined, "what runs goes on");
  assertEquals((await fixture.job("child")).status, "dispatched");
  await fixture.queue.finish(ended({ id: "b.1", token: running.token }));
  assertEquals(await fixture.list(fixture.keys.queue("r")), ["child"]);
  // what is run again starts, as the batch has been ended
  await fixture.store.retry("b.4");
  await fixture.server.call("DEL", fixture.keys.queue("r"));
  await fixture.server.call("LPUSH", fixture.keys.queue("r"), "b.4");
  assertEquals(await runNext(fixture), "b.4");
});

Deno.test("sweep() corrects the counts of what foreign programs did to members, page by page", async () => {
  await using fixture = await RedisFixture.open();
  await submitAll(fixture, batchOf("a", 2));
  await submitAll(fixture, batchOf("b", 5));
  await fixture.submit("child", { afterEnd: "b" });
  await runNext(fixture);
  const { server, keys } = fixture;
  await server.call("HSET", keys.job("b.1"), "status", "error", "error", "not wanted");
  await server.call("HSET", keys.job("b.2"), "status", "finished");
  await server.call("DEL", keys.job("b.3"));
  await server.call("HSET", keys.job("b.4"), "status", "error", "error", "cancelled");
  await server.call("HSET", keys.job("b.5"), "status", "error", "error", "cancelled");
  for (let round = 0; round < 8; round++) await fixture.queue.sweep(2);
  assertEquals(await countsOf(fixture, "b"), { ok: 1, "failed:1": 1, lost: 1, cancelled: 2 });
  assertEquals(await countsOf(fixture, "a"), { q: 1, ok: 1 });
  await settleAll(fixture);
  assert((await fixture.list(keys.queue("r"))).includes("child"));
  assertEquals(await server.call("EXISTS", keys.meta("b.3")), 0);
  // a record that is gone is forgotten
  await server.call("DEL", keys.batch("a"));
  for (let round = 0; round < 8; round++) await fixture.queue.sweep(2);
  assertEquals(await server.call("ZRANGE", keys.batches(), 0, -1), ["b"]);
});

Deno.test("sweep() of the index leaves what says that a member is to be counted as lost", async () => {
  await using fixture = await RedisFixture.open();
  for (const id of ["a", "b"]) await submitAll(fixture, batchOf(id, 1));
  await fixture.server.call("DEL", fixture.keys.job("b.1"));
  // each round checks one batch, and all of the index
  await fixture.queue.sweep(100);
  assertEquals(await fixture.store.newest(9), ["a.1"]);
  await fixture.queue.sweep(100);
  assertEquals(await countsOf(fixture, "b"), { lost: 1 });
});

Deno.test("a member that a foreign program ended in the queue is counted when a runner drops it", async () => {
  await using fixture = await RedisFixture.open();
  await submitAll(fixture, batchOf("b", 1));
  await fixture.server.call("HSET", fixture.keys.job("b.1"), "status", "error", "error", "not wanted");
  const [id] = await fixture.claim(1);
  assertEquals((await fixture.queue.start(id)).type, "FINAL");
  assertEquals(await countsOf(fixture, "b"), { "failed:1": 1 });
});

Deno.test("batchPurge() forgets an ended batch, and no other", async () => {
  await using fixture = await RedisFixture.open();
  const { batches } = fixture.store;
  await submitAll(fixture, batchOf("b", 1));
  const purge = (endedBeforeMs = 9e15) => batches.batchPurge("b", { endedBeforeMs, countOnly: false });
  assertEquals(await purge(), "OTHER");
  await runNext(fixture);
  assertEquals(await purge(1), "OTHER");
  assertEquals(await batches.batchPurge("b", { endedBeforeMs: 9e15, countOnly: true }), "OK");
  assertEquals(await purge(), "OK");
  assertEquals(await purge(), "MISSING");
  assertEquals(await fixture.server.call("EXISTS", fixture.keys.batch("b"), fixture.keys.batches()), 0);
});

Deno.test("the keys of a member beside its job have 0.4 of the bytes of those of a plain job", async () => {
  await using fixture = await RedisFixture.open();
  const shared = {
    ...{ payload: "true", runner: "r", executor: "tmux.main", title: "Learning rates of the third model" },
    ...{ labels: { project: "third", owner: "research" }, cwd: "/srv/research/third", retries: 3, keep: 86_400 },
    backoff: { from: 2, to: 300 },
  };
  await submitAll(fixture, batchOf("batch-of-a-user", 1000, { shared }));
  await fixture.submit("batch-of-a-user.5000", shared);
  const bytes = async (id: string) => Number(await fixture.server.call("MEMORY", "USAGE", fixture.keys.meta(id)));
  const [member, plain] = [await bytes("batch-of-a-user.500"), await bytes("batch-of-a-user.5000")];
  assert(member <= 0.4 * plain, `${member} of ${plain} bytes`);
});

Deno.test("the members of a batch share its limits, and parked ones end with the batch", async () => {
  await using fixture = await RedisFixture.open();
  const { server, keys, queue } = fixture;
  // as a lease and its grace after the first registration
  await server.call("HSET", keys.limitState(), "hold", "0");
  const shared = { payload: "true", runner: "r", executor: "tmux.main", limits: ["gpu"] };
  await submitAll(fixture, batchOf("b", 4, { shared }));
  const ranks = await Promise.all(["b.1", "b.2", "b.3"].map(async (id) => (await fixture.meta(id)).rank));
  assertEquals(ranks, [...new Set(ranks)].filter((rank) => rank !== undefined).sort());
  await fixture.claim(3);
  const first = await queue.start("b.1");
  assert(first.type === "OK", first.type);
  assertEquals((await queue.start("b.2")).type, "PARKED");
  assertEquals((await queue.start("b.3")).type, "PARKED");
  assertEquals(await server.call("ZCARD", keys.parked("r")), 2);
  assertEquals(await countsOf(fixture, "b"), { q: 3, started: 1 });
  await queue.finish(ended({ id: "b.1", token: first.token }));
  assertEquals(await server.call("ZCARD", keys.parked("r")), 1);
  assertEquals(await runNext(fixture), "b.2");
  const [next] = await fixture.claim(1);
  const running = await queue.start(next);
  assert(running.type === "OK");
  const [last] = await fixture.claim(1);
  assertEquals((await queue.start(last)).type, "PARKED");
  await fixture.store.batches.batchCancel("b", "");
  assertEquals(await server.call("EXISTS", keys.parked("r")), 0);
  assertEquals(await countsOf(fixture, "b"), { started: 1, ok: 2, cancelled: 1 });
});
