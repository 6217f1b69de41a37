import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { Proxy } from "../support/proxy.ts";
import { freePort } from "../support/redis_server.ts";
import { until } from "../support/until.ts";
import { openStore } from "../../src/redis/open_store.ts";
import { ended, placeAt, raw, RedisFixture } from "./redis_fixture.ts";

Deno.test("read() gives a job whatever a foreign program made of it", async () => {
  await using fixture = await RedisFixture.open();
  const { server, store, keys } = fixture;
  assertEquals(await store.read("none"), null);
  await server.call("HSET", keys.job("odd"), "colour", "red");
  assertEquals(await store.read("odd"), { id: "odd", fields: {}, meta: {} });
  await server.call("SET", keys.job("json"), '{"payload":"x","timeout":30,"env_vars":{"A":1},"error":null,"colour":1}');
  assertEquals((await store.read("json"))?.fields, { payload: "x", timeout: "30", env_vars: '{"A":1}' });
  for (const text of ["{", "null", "[1]", "7"]) {
    await server.call("SET", keys.job("json"), text);
    assertEquals((await store.read("json"))?.fields, {});
  }
  await server.call("SADD", keys.job("set"), "x");
  assertEquals((await store.read("set"))?.fields, {});
  await server.call("SET", keys.meta("odd"), "x");
  assertEquals((await store.read("odd"))?.meta, {});
});

Deno.test("newest() and withPrefix() list ids, newest first", async () => {
  await using fixture = await RedisFixture.open();
  for (const [score, id] of [[1, "10"], [2, "9"], [3, "ab"], [4, "ac"], [5, "__proto__"]]) {
    await fixture.server.call("ZADD", fixture.keys.jobs(), score, id);
  }
  assertEquals(await fixture.store.newest(2), ["__proto__", "ac"]);
  assertEquals(await fixture.store.newest(2, 2), ["ab", "9"]);
  assertEquals(await fixture.store.newest(2, 9), []);
  assertEquals(await fixture.store.withPrefix("a", 9), ["ac", "ab"]);
  assertEquals(await fixture.store.withPrefix("a", 1), ["ac"]);
});

Deno.test("place() says where a job waits", async () => {
  await using fixture = await RedisFixture.open();
  const place = async (id: string) => await fixture.store.place((await fixture.store.read(id))!);
  await fixture.claimed("taken");
  await fixture.submit("next");
  await fixture.submit("later", { notBeforeMs: await fixture.store.time() + 60_000 });
  await fixture.started("runs", { priority: "high" });
  assertEquals(await place("taken"), { ahead: null, dueMs: null, claimedBy: "i" });
  assertEquals(await place("next"), { ahead: 0, dueMs: null, claimedBy: null });
  assert(Number((await place("later")).dueMs) > 0);
  assertEquals(await place("runs"), { ahead: null, dueMs: null, claimedBy: null });
});

Deno.test("queues() counts what waits, and says what is paused", async () => {
  await using fixture = await RedisFixture.open();
  await fixture.submit("a");
  await fixture.submit("b", { runner: "other" });
  await fixture.submit("c", { notBeforeMs: await fixture.store.time() + 60_000 });
  await fixture.store.pause("other", true);
  const queues = (await fixture.store.queues()).toSorted((a, b) => a.runner.localeCompare(b.runner));
  assertEquals(queues, [
    { runner: "other", queued: 1, delayed: 0, parked: 0, paused: true },
    { runner: "r", queued: 1, delayed: 1, parked: 0, paused: false },
  ]);
});

Deno.test("changes() wakes up at every change of the job, from submission to end", async () => {
  await using fixture = await RedisFixture.open();
  const stop = new AbortController();
  let woken = 0;
  const listening = (async () => {
    for await (const _ of fixture.store.changes("a", 60_000, stop.signal, true)) woken++;
  })();
  await until("the channels stand", () => woken >= 1);
  const next = async (what: string, change: () => Promise<unknown>) => {
    const before = woken;
    await change();
    await until(what, () => woken > before);
  };
  await next("submit", () => fixture.claimed("a"));
  let token = "";
  await next("start", async () => token = (await fixture.queue.start("a") as { token: string }).token);
  await next("output", () => fixture.queue.appendOutput({ id: "a", token }, 0, raw("x")));
  await next("cancel", () => fixture.store.cancel("a", ""));
  await next("finish", () => fixture.queue.finish(ended({ id: "a", token })));
  stop.abort();
  await listening;
});

Deno.test("changes() wakes up by itself when messages are missed", async () => {
  await using fixture = await RedisFixture.open();
  const stop = new AbortController();
  await using proxy = Proxy.start(fixture.server.port);
  const store = openStore(placeAt(proxy.address));
  let woken = 0;
  const listening = (async () => {
    for await (const _ of store.changes("a", 20, stop.signal)) woken++;
  })();
  await until("it stands", () => woken > 0);
  proxy.stall();
  const before = woken;
  await until("two more", () => woken > before + 2);
  stop.abort();
  await listening;
  store.close();
});

Deno.test("changes() comes back by itself after its connection broke, also with a password", async () => {
  await using fixture = await RedisFixture.open();
  await fixture.server.call("CONFIG", "SET", "requirepass", "hunter2");
  await using proxy = Proxy.start(fixture.server.port);
  const store = openStore(placeAt(`redis://:hunter2@${proxy.address}`));
  const stop = new AbortController();
  let woken = 0;
  const listening = (async () => {
    for await (const _ of store.changes("a", 60_000, stop.signal)) woken++;
  })();
  await until("it stands", () => woken === 1);
  proxy.cut();
  await until("it stands again", () => woken === 2);
  await fixture.server.call("AUTH", "hunter2");
  await until("a message comes", async () => {
    await fixture.server.call("PUBLISH", fixture.keys.channel("a"), "x");
    return woken > 2;
  });
  stop.abort();
  await listening;
  store.close();
});

Deno.test("changes() of many jobs share one connection, which goes when no client listens", async () => {
  await using fixture = await RedisFixture.open();
  await using proxy = Proxy.start(fixture.server.port);
  const store = openStore(placeAt(proxy.address));
  const stop = new AbortController();
  const seen = new Set<string>();
  const listening = ["a", "b", "c", "a"].map(async (id) => {
    for await (const _ of store.changes(id, 60_000, stop.signal)) seen.add(id);
  });
  await until("all stand", () => seen.size === 3);
  seen.clear();
  for (const id of ["a", "b", "c"]) await fixture.server.call("PUBLISH", fixture.keys.channel(id), "x");
  await until("all woken", () => seen.size === 3);
  assertEquals(proxy.open, 1);
  const late = new AbortController();
  const another = (async () => {
    for await (const _ of store.changes("d", 60_000, late.signal)) seen.add("d");
  })();
  await until("one more", async () => {
    await fixture.server.call("PUBLISH", fixture.keys.channel("d"), "x");
    return seen.has("d");
  });
  assertEquals(proxy.accepted, 1);
  late.abort();
  await another;
  seen.clear();
  await fixture.server.call("PUBLISH", fixture.keys.channel("a"), "x");
  await until("the others still listen", () => seen.has("a"));
  assertEquals(proxy.accepted, 1);
  stop.abort();
  await Promise.all(listening);
  await until("it is gone", () => proxy.open === 0);
  store.close();
});

Deno.test("changes() pauses longer and longer while Redis is away, and ends with the store", async () => {
  const pauses: number[] = [];
  await using proxy = Proxy.start(freePort());
  const stop = new AbortController();
  const sleep = (ms: number) => {
    pauses.push(Math.round(ms));
    return Promise.resolve();
  };
  const clock = { now: () => 0, random: () => 1, sleep };
  const store = openStore({ ...placeAt(proxy.address), clock });
  const listening = (async () => {
    for await (const _ of store.changes("a", 60_000, stop.signal));
  })();
  await until("it tried often", () => pauses.length >= 7);
  store.close();
  await until("it tries no more", () => proxy.open === 0);
  assertEquals(pauses.slice(0, 7), [50, 100, 200, 400, 800, 1_000, 1_000]);
  await listening;
});

Deno.test("close() ends the connection of who still listens", async () => {
  await using fixture = await RedisFixture.open();
  await using proxy = Proxy.start(fixture.server.port);
  const store = openStore(placeAt(proxy.address));
  const stop = new AbortController();
  let woken = 0;
  const listening = (async () => {
    for await (const _ of store.changes("a", 60_000, stop.signal)) woken++;
  })();
  await until("it stands", () => woken === 1);
  store.close();
  await until("it is gone", () => proxy.open === 0);
  stop.abort();
  await listening;
  assertEquals(proxy.accepted, 1);
});

Deno.test("cancel() stands when Redis goes away before those that waited are notified", async () => {
  await using fixture = await RedisFixture.open();
  await using proxy = Proxy.start(fixture.server.port);
  const store = openStore(placeAt(proxy.address));
  for (const id of ["a", "b"]) await store.submit({ id, payload: "x", runner: "r", executor: "tmux.main" });
  const waiting = Array.from({ length: 150 }, (_, i) => `c${i}`);
  await Promise.all(
    waiting.map((id) => store.submit({ id, payload: "x", runner: "r", executor: "tmux.main", after: "b" })),
  );
  assertEquals(await store.cancel("a", ""), { type: "CANCELLED" });
  const cut = proxy.cutReply({ nth: 2, command: "EVALSHA" });
  assertEquals(await store.cancel("b", ""), { type: "CANCELLED" });
  await cut;
  store.close();
});

Deno.test("time() is Redis' clock", async () => {
  await using fixture = await RedisFixture.open();
  const before = await fixture.now();
  const time = Math.floor(await fixture.store.time());
  assert(before <= time && time <= await fixture.now());
});

Deno.test("close() ends what waits", async () => {
  await using fixture = await RedisFixture.open();
  const claim = assertRejects(() => fixture.queue.wait(60_000));
  await until(
    "it waits",
    async () => String(await fixture.server.call("INFO", "clients")).includes("blocked_clients:1"),
  );
  fixture.queue.stopWaiting();
  await claim;
  await assertRejects(() => fixture.queue.wait(1));
  assertEquals(await fixture.queue.claimed(), []);
  fixture.queue.close();
  await assertRejects(() => fixture.queue.claimed());
});
