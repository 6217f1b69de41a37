import type { StoredLimit } from "../../src/ports/limits.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { begin, idsOf, open } from "./limits_fixture.ts";
import { ended, INFO, RedisFixture } from "./redis_fixture.ts";

const failed = { state: "error", exitCode: 1, error: "exited with code 1" } as const;
const LOST = { policy: "requeue", graceMs: 0, lostAfterMs: 0 } as const;

/** What runs under a limit and what waits for it: `a0 b1 | c d`. */
async function shown({ store }: RedisFixture, key = "gpu"): Promise<string> {
  const { limits: [{ holders, waiting }] } = await store.limits.read([key]);
  const held = holders.map(({ id, number }) => `${id}${number}`).join(" ");
  return `${held} | ${waiting.map(({ id }) => id).join(" ")}`.trim();
}

async function numbersOf(fixture: RedisFixture, id: string): Promise<string[]> {
  return ((await fixture.meta(id)).permits ?? "").split("\n").map((line) => line.split(" ")[0]);
}

Deno.test("a job with a limit starts only while fewer than N run, and the others are parked in order", async () => {
  await using fixture = await open();
  const { queue, store, keys } = fixture;
  await store.limits.limitSet("gpu", 2);
  for (const id of ["a", "b", "c", "d"]) await fixture.submit(id, { limits: ["gpu"] });
  await fixture.submit("plain");
  const running = await begin(queue);
  assertEquals(idsOf(running), ["a", "b", "plain"]);
  assertEquals(await shown(fixture), "a0 b1 | c d");
  assertEquals(await fixture.list(keys.claim("r", "i")), []);
  assertEquals((await fixture.job("c")).status, "dispatched");
  await queue.finish(ended(running[0]));
  assertEquals(await shown(fixture), "b1 | d");
  assertEquals(await fixture.list(keys.queue("r")), ["c"]);
  assertEquals(idsOf(await begin(queue)), ["c"]);
  assertEquals(await shown(fixture), "c0 b1 | d");
  assertEquals(await numbersOf(fixture, "c"), ["0"]);
});

Deno.test("a limit that was never set is 1, and it is listed while it is used", async () => {
  await using fixture = await open();
  const { queue, store } = fixture;
  for (const id of ["a", "b"]) await fixture.submit(id, { limits: ["migrate"] });
  const [a] = await begin(queue);
  const [{ key, n, isSet, held, parked }] = (await store.limits.read()).limits;
  assertEquals([key, n, isSet, held, parked], ["migrate", 1, false, 1, 1]);
  assertEquals(await store.limits.limitRemove("migrate"), false);
  await queue.finish(ended(a));
  const [b] = await begin(queue);
  await queue.finish(ended(b));
  await fixture.server.call("HDEL", fixture.keys.limitState(), "checked");
  await queue.limits.unpark();
  assertEquals((await store.limits.read()).limits, []);
  assertEquals((await fixture.server.keys()).filter((key) => /permits|parking|parked|held/.test(key)), []);
});

Deno.test("a job gets the permits of all its keys together or none, and a job is parked for the first one that is full", async () => {
  await using fixture = await open();
  const { queue } = fixture;
  await fixture.submit("b", { limits: ["B"] });
  const [b] = await begin(queue);
  await fixture.submit("ab", { limits: ["A", "B"] });
  await fixture.submit("a", { limits: ["A"] });
  assertEquals(idsOf(await begin(queue)), ["a"]);
  assertEquals([await shown(fixture, "A"), await shown(fixture, "B")], ["a0 |", "b0 | ab"]);
  await queue.finish(ended(b));
  assertEquals(await begin(queue), []); // now A is full
  assertEquals([await shown(fixture, "A"), await shown(fixture, "B")], ["a0 | ab", "|"]);
});

Deno.test("a permit that a job leaves is offered to the next one", async () => {
  await using fixture = await open();
  const { queue, store } = fixture;
  await fixture.submit("a", { limits: ["A"] });
  await fixture.submit("b", { limits: ["B"] });
  const [a] = await begin(queue);
  await fixture.submit("both", { limits: ["A", "B"] });
  await fixture.submit("next", { limits: ["A"] });
  await fixture.submit("last", { limits: ["A"] });
  await begin(queue);
  await queue.finish(ended(a));
  assertEquals(idsOf(await begin(queue)), ["next"]); // `both` went on to B
  assertEquals([await shown(fixture, "A"), await shown(fixture, "B")], ["next0 | last", "b0 | both"]);
  // also when the job that was moved is cancelled in the queue
  const [next] = await queue.owned().then((all) => all.filter(({ id }) => id === "next"));
  await queue.finish(ended(next));
  await fixture.submit("later", { limits: ["A"] });
  await store.cancel("last", "");
  assertEquals(idsOf(await begin(queue)), ["later"]);
});

Deno.test("a parked job keeps its place: priority first, then the time of its first queueing", async () => {
  await using fixture = await open();
  const { queue } = fixture;
  await fixture.submit("a", { limits: ["gpu"] });
  const [a] = await begin(queue);
  for (const id of ["b", "c", "d"]) await fixture.submit(id, { limits: ["gpu"], retries: 1 });
  await fixture.submit("low", { limits: ["gpu"], priority: "low" });
  await fixture.submit("high", { limits: ["gpu"], priority: "high" });
  await begin(queue);
  assertEquals(await shown(fixture), "a0 | high b c d low");
  await queue.finish(ended(a));
  const [high] = await begin(queue);
  await queue.finish(ended(high));
  const [b] = await begin(queue);
  await queue.finish(ended(b, { ...failed, retryDelayMs: 0 }));
  await queue.promote("b");
  // the end of b has moved c up; b finds no permit and goes back to its place
  assertEquals([idsOf(await begin(queue)), await shown(fixture)], [["c"], "c0 | b d low"]);
});

for (const how of ["finish", "reap", "fail", "reassert", "restore", "another attempt"]) {
  Deno.test(`a permit is returned by the event that ends the ownership of its attempt: ${how}`, async () => {
    await using fixture = await open();
    const { queue, keys, server } = fixture;
    const lost = fixture.runner({ instance: "gone", nonce: "n0" });
    await lost.register(INFO);
    await fixture.submit("a", { limits: ["gpu"] });
    const [a] = await begin(lost);
    assertEquals(await shown(fixture), "a0 |");
    const request = { ...a, attempt: 1, startedMs: 1, job: { payload: "true" }, meta: await fixture.meta("a") };
    if (how === "finish") await lost.finish(ended(a));
    else if (how === "reap" || how === "fail") {
      await fixture.expire("gone");
      await queue.reap("gone", { attempt: "a" }, { ...LOST, policy: how === "fail" ? "fail" : "requeue" });
    } else if (how === "another attempt") {
      await server.call("DEL", keys.meta("a"), keys.job("a"));
      await fixture.submit("a", { limits: ["gpu"] });
      assertEquals(await begin(lost), []); // the forgotten attempt has it
      await fixture.store.limits.limitSet("gpu", 2);
      const [again] = await begin(lost);
      assertEquals(await shown(fixture), "a0 |");
      await lost.finish(ended(again));
    } else {
      await server.call("HSET", keys.job("a"), "status", "error");
      if (how === "reassert") await lost.reassert({ ...request, token: "2.n0", attempt: 2 });
      else await lost.restore(request, ended(a));
    }
    assertEquals(await server.call("EXISTS", keys.held("r", "gone")), how === "reassert" ? 1 : 0, how);
    if (how === "reassert") await lost.finish(ended({ id: "a", token: "2.n0" }));
    assertEquals([await shown(fixture), await server.call("EXISTS", keys.held("r", "gone"))], ["|", 0]);
    assertEquals(await server.call("EXISTS", keys.permits("gpu")), 0);
  });
}

Deno.test("a permit is never judged by the status of the job, nor returned twice", async () => {
  await using fixture = await open();
  const { queue, server, keys } = fixture;
  for (const id of ["a", "b", "c"]) await fixture.submit(id, { limits: ["gpu"] });
  const [a] = await begin(queue);
  await server.call("HSET", keys.job("a"), "status", "finished"); // it runs on
  assertEquals([await begin(queue), await shown(fixture)], [[], "a0 | b c"]);
  for (let times = 0; times < 3; times++) await queue.finish(ended(a));
  assertEquals(await shown(fixture), "| c");
  const [b] = await begin(queue);
  for (let times = 0; times < 3; times++) await queue.finish(ended(a));
  assertEquals([b.id, await begin(queue), await shown(fixture)], ["b", [], "b0 | c"]);
});

Deno.test("N can be raised, lowered, and be 0; more than N never start", async () => {
  await using fixture = await open();
  const { queue, store } = fixture;
  for (const id of ["a", "b", "c", "d", "e"]) await fixture.submit(id, { limits: ["gpu"] });
  await begin(queue);
  await store.limits.limitSet("gpu", 3);
  const more = await begin(queue);
  assertEquals([idsOf(more), await shown(fixture)], [["b", "c"], "a0 b1 c2 | d e"]);
  await store.limits.limitSet("gpu", 1);
  await queue.finish(ended(more[0]));
  assertEquals([await begin(queue), await shown(fixture)], [[], "a0 c2 | d e"]);
  await store.limits.limitSet("gpu", 0);
  for (const attempt of await queue.owned()) await queue.finish(ended(attempt));
  assertEquals([await begin(queue), await shown(fixture)], [[], "| d e"]);
  assertEquals(await store.limits.limitRemove("gpu"), true);
  assertEquals([idsOf(await begin(queue)), await store.limits.limitRemove("gpu")], [["d"], false]);
});

Deno.test("a release moves one job of each queue that a runner serves and that is not paused", async () => {
  await using fixture = await open();
  const { queue, store, keys } = fixture;
  const others = ["q", "paused", "dead"].map((runner) => fixture.runner({ runner, nonce: runner }));
  for (const other of others) await other.register(INFO);
  await fixture.submit("a", { limits: ["gpu"] });
  const [a] = await begin(queue);
  for (const runner of ["r", "q", "paused", "dead"]) {
    for (const n of [1, 2]) await fixture.submit(`${runner}${n}`, { runner, limits: ["gpu"] });
  }
  for (const one of [queue, ...others]) await begin(one);
  await store.pause("paused", true);
  await fixture.server.call("ZADD", keys.lease("dead"), 1, "i");
  await queue.finish(ended(a));
  const queued = await Promise.all(["r", "q", "paused", "dead"].map((name) => fixture.list(keys.queue(name))));
  assertEquals(queued, [["r1"], ["q1"], [], []]);
  assertEquals([idsOf(await begin(others[0])), await begin(queue)], [["q1"], []]);
  assertEquals(await shown(fixture), "q10 | r1 r2 q2 paused1 paused2 dead1 dead2");
});

Deno.test("a parked job is cancelled, counts for --max-queued, and is among those that wait", async () => {
  await using fixture = await open();
  const { queue, store, keys, server } = fixture;
  for (const id of ["a", "b", "c"]) await fixture.submit(id, { limits: ["gpu"] });
  await begin(queue);
  assertEquals(await queue.length(), 2);
  const reply = await store.submit({ id: "x", payload: "true", runner: "r", executor: "e" }, { maxQueued: 2 });
  assertEquals(reply, { type: "FULL", waiting: 2 });
  assertEquals((await Array.fromAsync(store.waiting())).flatMap(({ ids }) => ids), ["b", "c"]);
  assertEquals((await store.queues()).map(({ parked }) => parked), [2]);
  assertEquals(await store.cancel("b", ""), { type: "CANCELLED" });
  assertEquals([await shown(fixture), (await fixture.meta("b")).parked], ["a0 | c", undefined]);
  await store.retry("b");
  await begin(queue);
  assertEquals(await shown(fixture), "a0 | c b");
  // one that a foreign program has ended is not moved; neither is one that it has removed
  await server.call("HSET", keys.job("c"), "status", "error");
  await server.call("DEL", keys.job("b"));
  for (const attempt of await queue.owned()) await queue.finish(ended(attempt));
  assertEquals([await fixture.list(keys.queue("r")), await server.call("EXISTS", keys.parked("r"))], [[], 0]);
});

Deno.test("nothing with a limit starts until a lease and its grace after the first registration of new data", async () => {
  await using fixture = await RedisFixture.open();
  const { queue, server, keys } = fixture;
  await fixture.submit("a", { limits: ["gpu"] });
  await fixture.submit("plain");
  assertEquals([idsOf(await begin(queue)), await shown(fixture)], [["plain"], "| a"]);
  const reply = await queue.register(INFO);
  assert(reply.type === "OK" && reply.limitsHeldMs > 35_000 && reply.limitsHeldMs <= 40_000);
  assert(await queue.limits.unpark() > 35_000);
  assertEquals(await fixture.list(keys.queue("r")), []);
  await fixture.endHold();
  assertEquals(await queue.limits.unpark(), 0);
  assertEquals(idsOf(await begin(queue)), ["a"]);
  // other data: the time begins anew with the first registration
  await server.call("HSET", keys.limitState(), "history", "other");
  await fixture.submit("b", { limits: ["free"] });
  assertEquals(await begin(queue), []);
  const again = await queue.register(INFO);
  assert(again.type === "OK" && again.limitsHeldMs > 35_000);
  assertEquals((await fixture.store.limits.read(["free"])).heldMs > 35_000, true);
  await server.call("HSET", keys.limitState(), "hold", 2, "checked", 1); // the last round was before that
  await queue.limits.unpark();
  assertEquals(idsOf(await begin(queue)), ["b"]);
});

Deno.test("after data loss reassert restores permits, their numbers and N; what is above N blocks starts", async () => {
  await using fixture = await open();
  const { queue, server, store } = fixture;
  await store.limits.limitSet("gpu", 2);
  for (const id of ["a", "b"]) await fixture.submit(id, { limits: ["gpu", "disk"] });
  await store.limits.limitSet("disk", 3);
  const running = await begin(queue);
  const records = await Promise.all(running.map(async ({ id }) => ({
    ...{ job: await fixture.job(id), meta: await fixture.meta(id) },
  })));
  await queue.finish(ended(running[0]));
  await server.call("FLUSHALL");
  for (const restored of [false, true]) await queue.register(INFO, { restored });
  await fixture.endHold();
  await fixture.submit("new", { limits: ["gpu"] });
  const [fresh] = await begin(queue); // a late host
  assertEquals(fresh.id, "new");
  const reassert = (i: number) => queue.reassert({ ...running[i], attempt: 1, startedMs: 1, ...records[i] });
  assertEquals(await reassert(1), "OK");
  assertEquals(await reassert(1), "OK");
  assertEquals([await shown(fixture), await shown(fixture, "disk")], ["new0 b1 |", "b1 |"]);
  const { limits } = await store.limits.read();
  assertEquals(limits.map(({ key, n, isSet }: StoredLimit) => [key, n, isSet]), [["disk", 3, true], ["gpu", 2, true]]);
  assertEquals(await reassert(0), "OK");
  assertEquals(await shown(fixture), "a0 new0 b1 |");
  await fixture.submit("c", { limits: ["gpu"] });
  await queue.finish(ended(running[1]));
  assertEquals([await begin(queue), await shown(fixture)], [[], "a0 new0 | c"]);
  await queue.finish(ended(fresh));
  assertEquals([idsOf(await begin(queue)), await shown(fixture)], [["c"], "a0 c1 |"]);
});

Deno.test("a newer N is not replaced by an older one of a host", async () => {
  await using fixture = await open();
  const { queue, store } = fixture;
  await store.limits.limitSet("gpu", 2);
  await fixture.submit("a", { limits: ["gpu"] });
  const [a] = await begin(queue);
  const [job, meta] = [await fixture.job("a"), await fixture.meta("a")];
  await fixture.server.call("FLUSHALL");
  await queue.register(INFO);
  await store.limits.limitSet("gpu", 5);
  await queue.reassert({ ...a, attempt: 1, startedMs: 1, job, meta });
  assertEquals((await store.limits.read(["gpu"])).limits[0].n, 5);
});

Deno.test("runner:NAME limits a queue over all its instances, and the ids stay in the queue", async () => {
  await using fixture = await open();
  const { queue, store, keys, server } = fixture;
  const other = fixture.runner({ instance: "i2", nonce: "n2" });
  await other.register(INFO);
  await store.limits.limitSet("runner:r", 2);
  for (const id of ["a", "b", "c"]) await fixture.submit(id);
  await server.call("HSET", keys.job("foreign"), "payload", "true");
  await server.call("LPUSH", keys.queue("r"), "foreign");
  const [a] = await begin(queue, 1);
  assertEquals([idsOf(await begin(other)), await begin(queue), await begin(other)], [["b"], [], []]);
  assertEquals(await fixture.list(keys.queue("r")), ["foreign", "c"]);
  assertEquals(await queue.wait(5_000), null); // it does not claim an id
  assertEquals((await fixture.list(keys.queue("r"))).length, 2);
  // an id that was claimed before
  await server.call("LMOVE", keys.queue("r"), keys.claim("r", "i2"), "RIGHT", "LEFT");
  assertEquals((await other.start("c")).type, "FULL");
  assertEquals(await fixture.list(keys.queue("r")), ["foreign", "c"]);
  const [{ held, n }] = (await store.limits.read(["runner:r"])).limits;
  assertEquals([held, n], [2, 2]);
  await queue.finish(ended(a));
  assertEquals(idsOf(await begin(queue)), ["c"]);
  await store.limits.limitSet("runner:r", 0);
  for (const one of [queue, other]) for (const attempt of await one.owned()) await one.finish(ended(attempt));
  assertEquals([await begin(queue), await fixture.list(keys.queue("r"))], [[], ["foreign"]]);
  // a process that registers finds it
  const third = fixture.runner({ instance: "i3", nonce: "n3" });
  await third.register(INFO);
  assertEquals(await begin(third), []);
  assertEquals(await store.limits.limitRemove("runner:r"), true);
  assertEquals((await third.claim(1)).length, 1);
});

Deno.test("claims count for the limit of a queue, and so no host holds ids that another one could run", async () => {
  await using fixture = await open();
  const { queue, store, keys } = fixture;
  const other = fixture.runner({ instance: "i2", nonce: "n2" });
  await other.register(INFO);
  await store.limits.limitSet("runner:r", 2);
  for (const id of ["a", "b", "c"]) await fixture.submit(id, { executor: "tmux.s.w" });
  assertEquals(await fixture.claim(1), ["a"]);
  assertEquals([await fixture.claim(9, other), await fixture.claim(9)], [["b"], []]);
  assertEquals(await fixture.list(keys.queue("r")), ["c"]);
  assertEquals([(await queue.start("a")).type, (await other.start("b")).type], ["OK", "OK"]);
});

Deno.test("an instance that comes back after it was retired has the limit that its queue got meanwhile", async () => {
  await using fixture = await open();
  const { queue, store } = fixture;
  const other = fixture.runner({ instance: "i2", nonce: "n2" });
  await other.register(INFO);
  await fixture.expire("i");
  assertEquals(await other.retire("i"), true);
  await store.limits.limitSet("runner:r", 0);
  await fixture.submit("a");
  await queue.heartbeat([], "up");
  assertEquals(await fixture.claim(1), []);
  await fixture.expire("i");
  assertEquals(await other.retire("i"), true);
  await store.limits.limitRemove("runner:r");
  await queue.heartbeat([], "up");
  assertEquals(await fixture.claim(1), ["a"]);
});

Deno.test("the limit of a queue comes back with an attempt that ran under it", async () => {
  await using fixture = await open();
  const { queue, store, server } = fixture;
  await store.limits.limitSet("runner:r", 1);
  await fixture.submit("a");
  const [a] = await begin(queue);
  const [job, meta] = [await fixture.job("a"), await fixture.meta("a")];
  await server.call("FLUSHALL");
  for (const restored of [false, true]) await queue.register(INFO, { restored });
  await queue.reassert({ ...a, attempt: 1, startedMs: 1, job, meta });
  await fixture.submit("b");
  assertEquals(await begin(queue), []);
  await queue.finish(ended(a));
  assertEquals(idsOf(await begin(queue)), ["b"]);
});

Deno.test("a limit whose N stands in the job counts besides those that it names", async () => {
  await using fixture = await open();
  const { queue, server, keys, store } = fixture;
  for (const id of ["m1", "m2", "m3"]) {
    await fixture.submit(id, { limits: ["gpu"] });
    await server.call("HSET", keys.meta(id), "own_limit", "2 batch:m");
  }
  await store.limits.limitSet("gpu", 9);
  assertEquals(idsOf(await begin(queue)), ["m1", "m2"]);
  assertEquals([await shown(fixture), await shown(fixture, "batch:m")], ["m10 m21 |", "m10 m21 | m3"]);
  for (const attempt of await queue.owned()) await queue.finish(ended(attempt));
  assertEquals(idsOf(await begin(queue)), ["m3"]);
});

Deno.test("a round returns permits of attempts that a foreign program has removed", async () => {
  await using fixture = await open();
  const { queue, server, keys } = fixture;
  for (const id of ["a", "b"]) await fixture.submit(id, { limits: ["gpu"] });
  await begin(queue);
  await server.call("DEL", keys.attempts("r", "i"));
  await queue.limits.unpark();
  assertEquals(await fixture.list(keys.queue("r")), ["b"]);
  await fixture.submit("c", { limits: ["gpu"] });
  await begin(queue);
  await server.call("DEL", keys.attempts("r", "i"));
  await queue.limits.unpark(); // not so soon again
  assertEquals(await fixture.list(keys.queue("r")), []);
});
