import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { until } from "../support/until.ts";
import { ended, INFO, RedisFixture } from "./redis_fixture.ts";

Deno.test("nothing is claimed from a Redis that went back behind what it had reported", async () => {
  await using fixture = await RedisFixture.open();
  const { queue, server, keys } = fixture;
  await fixture.claimed("early");
  await fixture.started("a");
  await server.call("HINCRBY", keys.instance("r", "i"), "seq", -1);
  await fixture.submit("late");
  const { doubts } = queue;
  const before = await server.digest();
  for (const step of [() => queue.claim(1), () => queue.claim(1, ["tmux.main"]), () => queue.start("early")]) {
    const error = await assertRejects(step);
    assertEquals([(error as { code?: string }).code, (error as { condition?: string }).condition], ["LOST", "busy"]);
  }
  assertEquals(await server.digest(), before);
  assertEquals(queue.doubts, doubts + 3);
  for (let i = 1; i <= 2; i++) {
    assertEquals((await queue.heartbeat([], "up")).type, "OK");
    assertEquals(queue.doubts, doubts + 3 + i, "also at the second look");
  }
  await queue.register(INFO, { restored: true });
  assertEquals((await queue.start("early")).type, "OK");
  await queue.heartbeat([], "up");
  assertEquals(queue.doubts, doubts + 5);
});

Deno.test("nothing is taken from a Redis that became a master anew, and a heartbeat notices it", async () => {
  await using fixture = await RedisFixture.open();
  const { queue, server } = fixture;
  const id = await queue.serverId();
  queue.trust(id);
  await queue.heartbeat([], "up");
  assertEquals(queue.doubts, 0);
  await server.call("REPLICAOF", "127.0.0.1", 1);
  await server.call("REPLICAOF", "NO", "ONE");
  assert(await queue.serverId() !== id);
  await fixture.submit("a");
  const error = await assertRejects(() => queue.claim(1));
  assertEquals((error as { code?: string }).code, "LOST");
  assertEquals((await queue.heartbeat([], "up")).type, "OK");
  assertEquals(queue.doubts, 2);
  queue.trust(await queue.serverId());
  assertEquals(await fixture.claim(1), ["a"]);
});

for (const code of ["READONLY", "UNBLOCKED"]) {
  Deno.test(`${code} is a sign that Redis may have gone back`, async () => {
    await using fixture = await RedisFixture.open();
    const { queue, server } = fixture;
    const waiting = code === "UNBLOCKED" ? queue.wait(60_000).catch(() => {}) : null;
    if (waiting) {
      await until("it waits", async () => /blocked_clients:1/.test(String(await server.call("INFO", "clients"))));
    }
    await server.call("REPLICAOF", "127.0.0.1", 1);
    await (waiting ?? queue.heartbeat([], "up").catch(() => {}));
    assert(queue.doubts > 0);
  });
}

Deno.test("an attempt that is newer than what Redis has on record is unknown to it, and not fenced", async () => {
  await using fixture = await RedisFixture.open();
  const { queue, server, keys } = fixture;
  const run = await fixture.started("a");
  await server.call("HSET", keys.meta("a"), "attempt", "1", "token", "1.older");
  const newer = { ...run, token: `2.${run.token.slice(2)}` };
  const heartbeat = await queue.heartbeat([newer], "up");
  assert(heartbeat.type === "OK");
  assertEquals([heartbeat.unknown, heartbeat.fenced], [["a"], []]);
  assertEquals((await queue.finish({ ...ended(run), token: newer.token })).type, "MISSING");
  // the same attempt of another process has it
  const taken = await queue.heartbeat([run], "up");
  assert(taken.type === "OK");
  assertEquals(taken.fenced, [{ id: "a", token: run.token }]);
  assertEquals((await queue.finish(ended(run))).type, "FENCED");
});

Deno.test("reassert() and restore() leave nothing of the older attempt that Redis went back to", async () => {
  for (const how of ["reassert", "restore"] as const) {
    await using fixture = await RedisFixture.open();
    const { queue, server, keys } = fixture;
    const run = await fixture.started("a", { retries: 1 });
    const ending = { ms: 5, output_bytes: 9, exit: 3, truncated: 1, left: "sleep" };
    const old = { ...ending, input_ms: 1, input_line: "?", cancel: "of the first attempt" };
    await server.call("HSET", keys.meta("a"), ...Object.entries(old).flat());
    await server.call("HSET", keys.job("a"), "result", "old", "error", "exited with code 3");
    const second = { ...run, token: "2.n1", attempt: 2, startedMs: 5, meta: { retry_max: "1" } };
    if (how === "restore") {
      const end = ended(second, { state: "error", retryDelayMs: 0 });
      assertEquals((await queue.restore(second, end)).type, "RETRY");
    } else {
      assertEquals(await queue.reassert(second), "OK");
      const { ms, output_bytes, exit, truncated, left } = await fixture.meta("a");
      assertEquals([ms, output_bytes, exit, truncated, left], Array(5).fill(undefined));
      const { result, error } = await fixture.job("a");
      assertEquals([result, error], ["", ""]);
      const reply = await queue.heartbeat([{ id: "a", token: "2.n1" }], "up");
      assertEquals(reply.type === "OK" && reply.cancel, []);
    }
    const { input_ms, input_line, cancel } = await fixture.meta("a");
    assertEquals([input_ms, input_line, cancel], [undefined, undefined, undefined]);
  }
});

Deno.test("reassert() keeps an order to end the very attempt", async () => {
  await using fixture = await RedisFixture.open();
  const { queue, server, keys } = fixture;
  const run = await fixture.started("a");
  await fixture.store.cancel("a", "enough");
  await server.call("DEL", keys.attempts("r", "i"));
  assertEquals(await queue.reassert({ ...run, startedMs: 5 }), "OK");
  const reply = await queue.heartbeat([{ id: "a", token: run.token }], "up");
  assertEquals(reply.type === "OK" && reply.cancel, [{ id: "a", reason: "enough" }]);
});
