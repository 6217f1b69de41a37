import { listJobs } from "../../src/client/list_jobs.ts";
import { readOverview } from "../../src/client/overview.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { ended, INFO, RedisFixture } from "./redis_fixture.ts";

Deno.test("summaries() read what a list shows, in order, and nothing large", async () => {
  await using fixture = await RedisFixture.open();
  const { server, keys, store } = fixture;
  const run = await fixture.started("a", { title: "t", labels: { x: "y" }, env: { SECRET: "s" } });
  await fixture.queue.finish(ended(run, { result: "r".repeat(10_000) }));
  await server.call("HSET", keys.meta("a"), "raw", "{}");
  await fixture.submit("long", { payload: `${"größe ".repeat(1_000)}` });
  await server.call("SET", keys.job("json"), '{"payload":"x","status":"dispatched"}');
  await server.call("HSET", keys.meta("json"), "raw", "{}", "title", "j");
  await server.call("SADD", keys.job("odd"), "x");
  await server.call("HSET", keys.job("bare"), "colour", "red");
  const ids = ["a", "none", "long", "json", "odd", "bare", "a"];
  const [a, none, long, json, odd, bare, again] = await store.summaries(ids);
  assertEquals([a?.fields.status, a?.fields.payload, a?.meta.title, a?.meta["label:x"]], [
    "finished",
    "true",
    "t",
    "y",
  ]);
  assertEquals([a?.fields.result, a?.fields.env_vars, a?.meta.raw, none], [undefined, undefined, undefined, null]);
  assertEquals(a, again);
  assert(
    long!.fields.payload!.length <= 1_000 && /^(größe )+(g|gr|grö|größ)?…$/.test(long!.fields.payload!),
    long!.fields.payload,
  );
  assertEquals([json?.id, json?.fields.payload, json?.meta.title], ["json", "x", "j"]);
  assertEquals([odd?.fields, odd?.meta], [{}, {}]);
  assertEquals(bare, { id: "bare", fields: {}, meta: {} });
  const many = await store.summaries(Array.from({ length: 1_001 }, (_, i) => i % 2 === 0 ? "a" : "none"));
  assertEquals(many.map((job) => job?.id ?? "").join(" "), `${"a  ".repeat(500)}a`);
});

Deno.test("endings() read the last bytes of what failed jobs have written, and nothing of others", async () => {
  await using fixture = await RedisFixture.open();
  const { server, keys, store } = fixture;
  await server.call("HSET", keys.job("a"), "status", "error", "result", `${"工".repeat(1_000)}\nlast`);
  await server.call("HSET", keys.job("b"), "status", "error");
  await server.call("HSET", keys.job("c"), "status", "finished", "result", "x");
  await server.call("SET", keys.job("d"), "x");
  const [a, ...others] = await store.endings(["a", "b", "c", "d", "none"]);
  assert(/^工{300,334}\nlast$/.test(a), a);
  assertEquals(others, ["", "", "", ""]);
  assertEquals(await store.endings([]), []);
});

Deno.test("running() names the jobs of one instance", async () => {
  await using fixture = await RedisFixture.open();
  await fixture.started("a");
  await fixture.started("b");
  const other = fixture.runner({ instance: "i2", nonce: "n2" });
  await other.register(INFO);
  assertEquals((await fixture.store.running("r", "i")).toSorted(), ["a", "b"]);
  assertEquals(await fixture.store.running("r", "i2"), []);
});

Deno.test("the overview works with 700 leases and 1,200 names, and needs few commands for them", async () => {
  await using fixture = await RedisFixture.open();
  const { server, keys, store } = fixture;
  const until = await store.time() + 3_600_000;
  for (let i = 0; i < 1_200; i++) {
    const runner = `r${String(i).padStart(4, "0")}`;
    await server.call("SADD", keys.names(), runner);
    await server.call("LPUSH", keys.queue(runner), "a", "b");
    if (i % 2 === 0) await server.call("ZADD", keys.delay(runner), 1, "c");
    if (i % 3 === 0) await server.call("SET", keys.paused(runner), "1");
    if (i >= 700) continue;
    await server.call("ZADD", keys.lease(runner), i === 5 ? 1 : until, `i${i}`);
    await server.call(
      "HSET",
      keys.instance(runner, `i${i}`),
      "host",
      `h${i}`,
      "slots",
      "4",
      "state",
      "up",
      "ttl",
      "30000",
    );
    await server.call("HSET", keys.attempts(runner, `i${i}`), "x", "1.n");
  }
  await server.call("CONFIG", "RESETSTAT");
  const overview = await readOverview(store, { count: 20, among: 20 });
  const stats = String(await server.call("INFO", "commandstats"));
  const calls = [...stats.matchAll(/^cmdstat_eval(?:sha)?:calls=(\d+)/gm)].reduce((sum, [, n]) => sum + Number(n), 0);
  assert(calls > 0 && calls < 40, `${calls} scripts`);
  assertEquals([overview.instances.length, overview.queues.length], [701, 1_201]);
  assertEquals(overview.queues.slice(1, 4), [
    { runner: "r0000", queued: 2, delayed: 1, parked: 0, paused: true },
    { runner: "r0001", queued: 2, delayed: 0, parked: 0, paused: false },
    { runner: "r0002", queued: 2, delayed: 1, parked: 0, paused: false },
  ]);
  const [, first, second] = overview.instances;
  assertEquals([first.runner, first.host, first.slots, first.running, first.alive], ["r0000", "h0", 4, 1, true]);
  assertEquals([second.runner, second.instance], ["r0001", "i1"]);
  assertEquals(overview.instances.filter(({ alive }) => !alive).map(({ instance }) => instance), ["i5"]);
  const started = await listJobs(store, { states: ["started"], count: 5, among: 5 });
  assertEquals(started.jobs, []);
});

Deno.test("a list of 600 jobs that are strings is read whole", async () => {
  await using fixture = await RedisFixture.open();
  const ids = Array.from({ length: 600 }, (_, i) => `j${i}`);
  for (const id of ids) await fixture.server.call("SET", fixture.keys.job(id), '{"payload":"x"}');
  const jobs = await fixture.store.summaries(ids);
  assertEquals(jobs.map((job) => job?.fields.payload).filter((payload) => payload === "x").length, 600);
});

Deno.test("eventsAfter() waits for events, brings each once, and delays no other caller", async () => {
  await using fixture = await RedisFixture.open();
  const { store } = fixture;
  assertEquals(await store.newestEvents(5), []);
  const waiting = store.eventsAfter("0", 10_000);
  // commands go on while it waits
  await store.time();
  const from = await fixture.now();
  await fixture.submit("a");
  const [first] = await waiting;
  assertEquals([first.event, first.id, first.state, first.runner], ["submit", "a", "dispatched", "r"]);
  assert(from <= first.ms && first.ms <= await fixture.now());
  await fixture.queue.claim(1);
  await fixture.queue.start("a");
  await store.cancel("a", "");
  const rest = await store.eventsAfter(first.cursor, 10);
  assertEquals(rest.map(({ event, attempt, instance }) => [event, attempt, instance]), [
    ["start", 1, "i"],
    ["cancel", null, null],
  ]);
  assertEquals(await store.eventsAfter(rest[1].cursor, 1), []);
  assertEquals((await store.newestEvents(2)).map(({ event }) => event), ["start", "cancel"]);
});

Deno.test("the overview of a million jobs asks Redis for little, and never goes through all keys", async () => {
  await using fixture = await RedisFixture.open();
  const { server, keys, store } = fixture;
  // the index alone: the jobs behind it are read by id
  const script = `for i = tonumber(ARGV[1]), tonumber(ARGV[2]), 500 do
       local args = {}
       for k = i, i + 499 do args[#args + 1] = k; args[#args + 1] = 'j' .. k end
       redis.call('ZADD', KEYS[1], unpack(args))
     end
     for k = 999001, 1000000 do
       redis.call('HSET', KEYS[2] .. 'j' .. k, 'status', k % 100 == 0 and 'error' or 'finished', 'payload', 'echo ' .. k)
     end`;
  const index = (from: number, to: number) => server.call("EVAL", script, 2, keys.jobs(), keys.job(""), from, to);
  /** Microseconds that Redis works for both lists. */
  const cost = async () => {
    await server.call("CONFIG", "RESETSTAT");
    const overview = await readOverview(store, { count: 10, among: 5_000 });
    assertEquals(overview.jobs.map(({ id }) => id), Array.from({ length: 10 }, (_, i) => `j${1_000_000 - i}`));
    const { jobs, complete } = await listJobs(store, { states: ["error"], count: 3, among: 1_000 });
    assertEquals([jobs.map(({ id }) => id), complete], [["j1000000", "j999900", "j999800"], true]);
    const stats = String(await server.call("INFO", "commandstats"));
    assert(!/cmdstat_(keys|scan|sort|hscan|zscan|sscan)/.test(stats), stats);
    return [...stats.matchAll(/usec=(\d+)/g)].reduce((sum, [, usec]) => sum + Number(usec), 0);
  };
  await index(980_001, 1_000_000);
  const few = await cost();
  await index(1, 980_000);
  const many = await cost();
  assert(many < 5 * few, `Redis worked for ${many} µs, and for ${few} µs among 20,000 jobs`);
});
