import { UnavailableError } from "../../src/domain/errors.ts";
import { MAX_RUN_PAYLOAD } from "../../src/domain/limits.ts";
import { Batch } from "../../src/redis/batch.ts";
import { Link } from "../../src/redis/link.ts";
import { openQueue } from "../../src/redis/open.ts";
import { Script } from "../../src/redis/script.ts";
import { parseRedisUrl } from "../../src/redis/url.ts";
import { systemClock } from "../../src/system/clock.ts";
import { assert, assertEquals, assertStringIncludes } from "../support/assert.ts";
import type { Trouble } from "../../src/ports/queue.ts";
import { Proxy } from "../support/proxy.ts";
import { RedisServer } from "../support/redis_server.ts";
import { until } from "../support/until.ts";
import { ended, INFO, placeAt, RedisFixture } from "./redis_fixture.ts";

/** Submits, claims and starts jobs, all together. */
async function started(fixture: RedisFixture, ids: readonly string[]) {
  for (const id of ids) await fixture.submit(id, { payload: `echo ${id}` });
  assertEquals((await fixture.queue.claim(ids.length)).length, ids.length);
  return await Promise.all(ids.map((id) => fixture.queue.start(id)));
}

async function scriptCalls(fixture: RedisFixture): Promise<number> {
  const stats = String(await fixture.server.call("INFO", "commandstats"));
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1] ?? 0);
}

Deno.test("steps that are asked for together go as one command, and each has its own answer", async () => {
  await using fixture = await RedisFixture.open();
  await started(fixture, ["first", "second"]); // Redis has the scripts
  const ids = Array.from({ length: 150 }, (_, i) => `j${i}`);
  for (const id of ids) await fixture.submit(id, { payload: `echo ${id}` });
  await fixture.queue.claim(ids.length);
  const before = await scriptCalls(fixture);
  const executors = await Promise.all(ids.map((id) => fixture.queue.peek(id)));
  assertEquals(new Set(executors), new Set(["tmux.main"]));
  const replies = await Promise.all([...ids, "nothing"].map((id) => fixture.queue.start(id)));
  assertEquals(replies.pop(), { type: "GONE" });
  const ends = await Promise.all(replies.map((reply, i) => {
    assert(reply.type === "OK" && reply.job.payload === `echo j${i}`, `${i}: ${reply.type}`);
    return fixture.queue.finish(ended({ id: ids[i], token: reply.token }, { result: `out ${i}` }));
  }));
  assertEquals(ends.every((end) => end.type === "OK"), true);
  // 128 go together at the most
  assertEquals(await scriptCalls(fixture) - before, 6);
  for (const [i, id] of ids.entries()) assertEquals((await fixture.job(id)).result, `out ${i}`);
});

Deno.test("large ends go one by one, or few together, and arrive whole", async () => {
  await using fixture = await RedisFixture.open();
  const ids = ["a", "b", "c", "d"];
  const replies = await started(fixture, ids);
  const result = "x".repeat(400_000);
  await Promise.all(replies.map((reply, i) => {
    assert(reply.type === "OK");
    return fixture.queue.finish(ended({ id: ids[i], token: reply.token }, { result: result + i }));
  }));
  for (const [i, id] of ids.entries()) assertEquals((await fixture.job(id)).result, result + i);
  assert(4 * result.length < MAX_RUN_PAYLOAD);
});

Deno.test("a step that fails fails alone", async () => {
  await using fixture = await RedisFixture.open();
  const { server, keys } = fixture;
  const ids = ["a", "b", "c"];
  const replies = await started(fixture, ids);
  // another program has replaced the job
  await server.call("DEL", keys.job("b"));
  await server.call("SET", keys.job("b"), "{}");
  const ends = await Promise.allSettled(replies.map((reply, i) => {
    assert(reply.type === "OK");
    return fixture.queue.finish(ended({ id: ids[i], token: reply.token }));
  }));
  assertEquals(ends.map((end) => end.status === "fulfilled" && end.value.type), ["OK", "FINAL", "OK"]);

  const second = await started(fixture, ["d", "e"]);
  const queue = openQueue(placeAt(server.address), { runner: "other", instance: "i", nonce: "n1" });
  await server.call("SET", keys.attempts("other", "i"), "no hash");
  const unfit = await Promise.allSettled(["d", "e"].map((id, i) => {
    const reply = second[i];
    assert(reply.type === "OK");
    return queue.finish(ended({ id, token: reply.token }));
  }));
  queue.close();
  for (const end of unfit) {
    assert(end.status === "rejected" && end.reason instanceof UnavailableError);
    assertStringIncludes(end.reason.message, "holds a string, not a hash");
  }
});

Deno.test("an error of a command inside one step is the answer of that step", async () => {
  await using server = await RedisServer.start();
  const link = new Link({ url: parseRedisUrl(server.address) }, systemClock);
  const count = new Batch(link, new Script("count", "", ["return { redis.call('INCR', KEYS[1]), '.' }"]));
  await server.call("SET", "word", "x");
  const replies = await Promise.allSettled(["a", "word", "a"].map((key) => count.run([key], [])));
  link.close();
  const [first, odd, second] = replies;
  assertEquals([first, second], [{ status: "fulfilled", value: [1] }, { status: "fulfilled", value: [2] }]);
  assert(odd.status === "rejected" && odd.reason instanceof UnavailableError);
  assertStringIncludes(odd.reason.message, "not an integer");
});

Deno.test("when the reply to several steps is lost, all of them can be repeated", async () => {
  await using fixture = await RedisFixture.open();
  await using proxy = Proxy.start(fixture.server.port);
  const queue = openQueue(placeAt(proxy.address), { runner: "r", instance: "i", nonce: "n1" });
  await queue.register(INFO);
  const ids = ["a", "b", "c"];
  for (const id of ["known", ...ids]) await fixture.submit(id);
  await queue.claim(4);
  await queue.start("known"); // Redis has the script
  const start = () => Promise.allSettled(ids.map((id) => queue.start(id)));
  const cut = proxy.cutReply({ nth: 1, after: 5 });
  const lost = await start();
  await cut;
  assertEquals(lost.map(({ status }) => status), ["rejected", "rejected", "rejected"]);
  const again = await start();
  queue.close();
  for (const [i, reply] of again.entries()) {
    assert(reply.status === "fulfilled", ids[i]);
    assertEquals(reply.value.type, "HELD");
  }
  for (const id of ids) assertEquals((await fixture.meta(id)).attempt, "1");
});

Deno.test("calls keep their order, also those of a command that is made ready while another one is on its way", async () => {
  await using server = await RedisServer.start();
  const link = new Link({ url: parseRedisUrl(server.address) }, systemClock);
  const push = new Batch(link, new Script("push", "", ["return { redis.call('RPUSH', KEYS[1], ARGV[1]), '.' }"]));
  const order = Array.from({ length: 1000 }, (_, i) => i);
  const places: number[] = [];
  const calls: Promise<unknown>[] = [];
  for (const i of order) {
    calls.push(push.run(["list"], [i]).then(([place]) => places.push(Number(place))));
    if (i % 100 === 99) await calls[Math.max(0, i - 250)];
  }
  await Promise.all(calls);
  link.close();
  assertEquals((await server.call("LRANGE", "list", 0, -1) as string[]).map(Number), order);
  assertEquals(places, order.map((i) => i + 1));
});

Deno.test("when a command is lost, the one that was made ready behind it is not sent", async () => {
  await using server = await RedisServer.start();
  await using proxy = Proxy.start(server.port);
  const link = new Link({ url: parseRedisUrl(proxy.address) }, systemClock);
  const push = new Batch(link, new Script("push", "", ["return { redis.call('RPUSH', KEYS[1], ARGV[1]), '.' }"]));
  await push.run(["list"], ["known"]);
  const cut = proxy.cutReply({ nth: 1 });
  await server.call("CLIENT", "PAUSE", 5000, "WRITE");
  const first = Promise.allSettled(Array.from({ length: 128 }, (_, i) => push.run(["list"], [i])));
  await until("it is on its way", () => proxy.commands.length > 3);
  const second = Promise.allSettled(Array.from({ length: 128 }, (_, i) => push.run(["list"], [i])));
  await server.call("CLIENT", "UNPAUSE");
  await cut;
  const sent = (ends: PromiseSettledResult<unknown>[]) =>
    new Set(ends.map((end) => end.status === "rejected" ? (end.reason as Trouble).sent : "answered"));
  assertEquals([sent(await first), sent(await second)], [new Set([true]), new Set([false])]);
  link.close();
  assertEquals(await server.call("LLEN", "list"), 129);
});
