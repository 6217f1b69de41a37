import { assert, assertEquals, assertNotEquals } from "../support/assert.ts";
import { ended, raw, Stage } from "./stage.ts";

/** What an earlier job of an id has left must not be taken for something of the next one. */

Deno.test("an id whose first job is gone with all that belonged to it gets a new token", async () => {
  await using stage = await Stage.open();
  const first = await stage.started("a");
  await stage.queue.finish(ended(first));
  await stage.server.call("DEL", stage.keys.job("a"), stage.keys.side("a"));
  const second = await stage.started("a");
  assertEquals([first.attempt, second.attempt], [1, 1]);
  assertNotEquals(first.token, second.token);
});

Deno.test("a job waits for another one also when a job of its id has run before", async () => {
  await using stage = await Stage.open();
  await stage.queue.finish(ended(await stage.started("nightly")));
  await stage.server.call("DEL", stage.keys.job("nightly"));
  await stage.submit("build");
  await stage.submit("nightly", { after: "build" });
  await stage.server.call("ZADD", stage.keys.delay("r"), 1, "nightly");
  assertEquals(await stage.queue.promote("nightly"), "WAITS");
});

Deno.test("start() does not heed an order to cancel that an earlier attempt has had", async () => {
  await using stage = await Stage.open();
  const { queue, server, keys } = stage;
  const first = await stage.started("a");
  await stage.store.cancel("a", "wrong host");
  await queue.finish(ended(first, { state: "error", error: "cancelled: wrong host", exitCode: 130 }));
  await server.call("HSET", keys.job("a"), "status", "dispatched");
  await server.call("LPUSH", keys.queue("r"), "a");
  await queue.claim(1);
  const again = await queue.start("a");
  assert(again.type === "OK", again.type);
  assertEquals((await stage.side("a")).cancel, undefined);
  // ... but one that nobody has carried out, as its host went away
  await stage.store.cancel("a", "too late");
  await server.call("HSET", keys.side("a"), "token", "0");
  await server.call("HDEL", keys.run("r", "i"), "a");
  await server.call("HSET", keys.job("a"), "status", "dispatched");
  await server.call("LPUSH", keys.queue("r"), "a");
  await queue.claim(1);
  assertEquals((await queue.start("a")).type, "CANCELLED");
});

Deno.test("start() lets go of an attempt that was taken away from its instance", async () => {
  await using stage = await Stage.open();
  await stage.started("a");
  await stage.server.call("HSET", stage.keys.side("a"), "token", "2.other");
  assertEquals((await stage.queue.start("a")).type, "GONE");
  assertEquals(await stage.queue.owned(), []);
});

Deno.test("claim() does not start what is no id of a job", async () => {
  await using stage = await Stage.open();
  for (const id of ["", "a".repeat(513)]) {
    await stage.server.call("HSET", stage.keys.job(id), "payload", "true", "executor", "tmux.main");
    await stage.server.call("LPUSH", stage.keys.queue("r"), id);
    assertEquals(await stage.queue.claim(1, ["tmux.main"]), [{ raw: raw(id), reply: null }]);
  }
});
