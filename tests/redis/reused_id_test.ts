import { assert, assertEquals } from "../support/assert.ts";
import { ended, raw, RedisFixture } from "./redis_fixture.ts";

/** What an earlier job of an id has left must not be taken for something of the next one. */

Deno.test("an id whose first job is gone with all that belonged to it gets a new token", async () => {
  await using fixture = await RedisFixture.open();
  const first = await fixture.started("a");
  await fixture.queue.finish(ended(first));
  await fixture.server.call("DEL", fixture.keys.job("a"), fixture.keys.meta("a"));
  const second = await fixture.started("a");
  assertEquals([first.attempt, second.attempt], [1, 1]);
  assert(first.token !== second.token);
});

Deno.test("a job waits for another one also when a job of its id has run before", async () => {
  await using fixture = await RedisFixture.open();
  await fixture.queue.finish(ended(await fixture.started("nightly")));
  await fixture.server.call("DEL", fixture.keys.job("nightly"));
  await fixture.submit("build");
  await fixture.submit("nightly", { after: "build" });
  await fixture.server.call("ZADD", fixture.keys.delay("r"), 1, "nightly");
  assertEquals(await fixture.queue.promote("nightly"), "WAITS");
});

Deno.test("start() does not carry out an order to cancel that an earlier attempt has had", async () => {
  await using fixture = await RedisFixture.open();
  const { queue, server, keys } = fixture;
  const first = await fixture.started("a");
  await fixture.store.cancel("a", "wrong host");
  await queue.finish(ended(first, { state: "error", error: "cancelled: wrong host", exitCode: 130 }));
  await server.call("HSET", keys.job("a"), "status", "dispatched");
  await server.call("LPUSH", keys.queue("r"), "a");
  await queue.claim(1);
  const again = await queue.start("a");
  assert(again.type === "OK", again.type);
  assertEquals((await fixture.meta("a")).cancel, undefined);
  // ... but one that no runner has carried out, as its host went away
  await fixture.store.cancel("a", "too late");
  await server.call("HSET", keys.meta("a"), "token", "0");
  await server.call("HDEL", keys.attempts("r", "i"), "a");
  await server.call("HSET", keys.job("a"), "status", "dispatched");
  await server.call("LPUSH", keys.queue("r"), "a");
  await queue.claim(1);
  assertEquals((await queue.start("a")).type, "CANCELLED");
});

Deno.test("start() lets go of an attempt that was taken away from its instance", async () => {
  await using fixture = await RedisFixture.open();
  await fixture.started("a");
  await fixture.server.call("HSET", fixture.keys.meta("a"), "token", "2.other");
  assertEquals((await fixture.queue.start("a")).type, "GONE");
  assertEquals(await fixture.queue.owned(), []);
});

Deno.test("claim() does not start what is no id of a job", async () => {
  await using fixture = await RedisFixture.open();
  for (const id of ["", "a".repeat(513)]) {
    await fixture.server.call("HSET", fixture.keys.job(id), "payload", "true", "executor", "tmux.main");
    await fixture.server.call("LPUSH", fixture.keys.queue("r"), id);
    assertEquals(await fixture.queue.claim(1, ["tmux.main"]), [{ raw: raw(id), reply: null }]);
  }
});
