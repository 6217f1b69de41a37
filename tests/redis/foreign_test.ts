/** Programs that use nothing but the job hash and the queue: HSET and LPUSH. */
import { assert, assertEquals } from "../support/assert.ts";
import { ended, RedisFixture } from "./redis_fixture.ts";

Deno.test("a job of HSET and LPUSH alone runs, ends and is listed", async () => {
  await using fixture = await RedisFixture.open();
  const { server, queue, keys } = fixture;
  await server.call("HSET", keys.job("a"), "payload", "echo hi");
  await server.call("LPUSH", keys.queue("r"), "a");
  await queue.claim(1);
  const reply = await queue.start("a");
  assert(reply.type === "OK");
  assertEquals(Object.keys(reply.job).sort(), ["payload", "status", "updated_at"]);
  assertEquals((await queue.finish(ended({ id: "a", token: reply.token }))).type, "OK");
  assertEquals(Object.keys(await fixture.job("a")).sort(), ["error", "payload", "result", "status", "updated_at"]);
  assertEquals(await fixture.store.newest(5), ["a"]);
});

Deno.test("an id that is pushed before its hash can be started as soon as that is there", async () => {
  await using fixture = await RedisFixture.open();
  const { server, queue, keys } = fixture;
  await server.call("LPUSH", keys.queue("r"), "a");
  await queue.claim(1);
  assertEquals((await queue.start("a")).type, "MISSING");
  await server.call("HSET", keys.job("a"), "payload", "x");
  assertEquals((await queue.start("a")).type, "OK");
});

Deno.test("a job that is a JSON string is converted and started, or ended when it is cancelled before", async () => {
  await using fixture = await RedisFixture.open();
  const { server, queue, store, keys } = fixture;
  for (const id of ["a", "claimed", "queued"]) {
    await server.call("SET", keys.job(id), '{"payload":"x","runner":"r"}');
    await server.call("LPUSH", keys.queue("r"), id);
    if (id !== "queued") await queue.claim(1);
  }
  for (const id of ["claimed", "queued"]) {
    assertEquals(await store.cancel(id, "no"), { type: "CANCELLED" });
    const { status, error, payload } = await fixture.job(id);
    assertEquals([status, error, payload], ["error", "cancelled: no", "x"]);
  }
  assertEquals(await queue.length(), 0);
  assertEquals((await queue.start("claimed")).type, "FINAL");
  const reply = await queue.start("a");
  assert(reply.type === "JSON");
  await queue.convert("a", reply.raw, { payload: "x" });
  assertEquals((await queue.start("a")).type, "OK");
});

Deno.test("cancel() of a job that is a string of another kind is carried out when a runner has read it", async () => {
  await using fixture = await RedisFixture.open();
  const { server, queue, keys } = fixture;
  await server.call("SET", keys.job("a"), "[]");
  await server.call("LPUSH", keys.queue("r"), "a");
  await queue.claim(1);
  assertEquals(await fixture.store.cancel("a", "no"), { type: "REQUESTED" });
  await queue.convert("a", "[]", { payload: "x" });
  assertEquals((await queue.start("a")).type, "CANCELLED");
});

Deno.test("a foreign runner that pops by itself keeps its jobs", async () => {
  await using fixture = await RedisFixture.open();
  const { server, keys } = fixture;
  await fixture.submit("a");
  assertEquals(await server.call("RPOP", keys.queue("r")), "a");
  await server.call("HSET", keys.job("a"), "status", "started");
  await server.call("LPUSH", keys.queue("r"), "a");
  await fixture.queue.claim(1);
  assertEquals((await fixture.queue.start("a")).type, "DUP");
  assertEquals(await fixture.store.cancel("a", ""), { type: "REQUESTED" });
  assert(Number(await server.call("PTTL", keys.meta("a"))) > 0, "a request that nobody hears goes by itself");
  await server.call("HSET", keys.job("a"), "status", "finished");
  assertEquals(await fixture.store.cancel("a", ""), { type: "FINAL" });
});

Deno.test("an id twice in the queue runs once", async () => {
  await using fixture = await RedisFixture.open();
  const { server, queue, keys } = fixture;
  await fixture.submit("a");
  await server.call("LPUSH", keys.queue("r"), "a", "a");
  for (let i = 0; i < 3; i++) await queue.claim(1);
  const first = await queue.start("a");
  assert(first.type === "OK");
  assertEquals((await queue.start("a")).type, "HELD");
  await queue.finish(ended({ id: "a", token: first.token }));
  assertEquals((await queue.start("a")).type, "FINAL");
  assertEquals((await queue.start("a")).type, "GONE");
  assertEquals((await fixture.meta("a")).attempt, "1");
});

Deno.test("odd ids live like any other", async () => {
  await using fixture = await RedisFixture.open();
  for (
    const id of [
      "../../x",
      "a:b",
      "a b",
      "x\ny",
      "%s",
      "{x}",
      "😀",
      "*",
      "__proto__",
      "5",
      "\ufeffbom",
      "x".repeat(512),
    ]
  ) {
    const run = await fixture.started(id);
    const heartbeat = await fixture.queue.heartbeat([run], "up");
    assert(heartbeat.type === "OK" && heartbeat.unknown.length === 0 && !heartbeat.extra, id);
    assertEquals((await fixture.queue.owned()).map((one) => one.id), [id]);
    await fixture.submit(`after ${id}`, { after: id });
    assertEquals((await fixture.queue.finish(ended(run))).type, "OK");
    assertEquals(await fixture.claim(1), [`after ${id}`]);
    assert((await fixture.store.newest(50)).includes(id), id);
  }
});
