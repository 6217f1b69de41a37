import type { Submission } from "../../src/domain/submission.ts";
import type { FinishRequest } from "../../src/ports/queue.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { ended, INFO, RedisFixture } from "./redis_fixture.ts";

/** Commands inside and outside of scripts before jobs could wait for more than one. */
const PLAIN = 65;
const WAITING = 143;

const FAILED: Partial<FinishRequest> = { state: "error", error: "exited with code 1", exitCode: 1 };

/** Starts the next job and returns its end. */
async function startNext(fixture: RedisFixture, id: string) {
  assertEquals(await fixture.claim(1), [id]);
  const run = await fixture.queue.start(id);
  if (run.type !== "OK") throw new Error(`start returned ${run.type}`);
  return (how: Partial<FinishRequest> = {}) => fixture.queue.finish(ended({ id, token: run.token }, how));
}

/** Runs the next job to its end. */
async function runNext(fixture: RedisFixture, id: string, how: Partial<FinishRequest> = {}): Promise<void> {
  await (await startNext(fixture, id))(how);
}

async function statusOf(fixture: RedisFixture, id: string): Promise<string> {
  const { status, error } = await fixture.job(id);
  return error ? `${status}: ${error}` : status;
}

/** Submits jobs that wait for `a`. */
async function fanOut(fixture: RedisFixture, count: number, more: Partial<Submission> = { after: "a" }) {
  const ids = Array.from({ length: count }, (_, i) => `c${i}`);
  await Promise.all(ids.map((id) => fixture.submit(id, more)));
  return ids;
}

Deno.test("a job starts when all jobs for which it waits have met their conditions, and not before", async () => {
  await using fixture = await RedisFixture.open();
  const { queue, server, keys } = fixture;
  for (const id of ["a", "b", "c"]) await fixture.submit(id);
  await fixture.submit("child", { after: ["a", "b"], afterEnd: ["c", "a"] });
  assertEquals(Object.entries(await fixture.meta("child")).filter(([name]) => name.startsWith("after:")).toSorted(), [
    ["after:a", "finished"],
    ["after:b", "finished"],
    ["after:c", "ended"],
  ]);
  await runNext(fixture, "a");
  await runNext(fixture, "b");
  assertEquals(await fixture.list(keys.queue("r")), ["c"]);
  assertEquals(await queue.promote("child", { force: true }), "WAITS");
  await runNext(fixture, "c", FAILED);
  assertEquals(await fixture.list(keys.queue("r")), ["child"]);
  const { "met:a": a, "met:c": c, "after:a": open } = await fixture.meta("child");
  assertEquals([a, c, open], ["finished", "ended", undefined]);
  assertEquals(await server.call("EXISTS", keys.delay("r"), ...["a", "b", "c"].map((id) => keys.after(id))), 0);
  assertEquals((await fixture.events()).slice(-2), ["finish", "promote"], "its end is told before");
});

Deno.test("a job that can never start ends as skipped, in the event that makes it so, and all behind it", async () => {
  await using fixture = await RedisFixture.open();
  const { store } = fixture;
  await fixture.submit("a");
  await fixture.submit("b", { runner: "elsewhere" });
  await fixture.submit("child", { after: ["a", "b"], keep: 60 });
  await fixture.submit("grandchild", { after: "child" });
  await fixture.submit("cleanup", { afterEnd: "child" });
  await runNext(fixture, "a", FAILED);
  assertEquals(await statusOf(fixture, "child"), 'error: skipped: job "a", which must finish first, ended with error');
  assertEquals(
    await statusOf(fixture, "grandchild"),
    'error: skipped: job "child", which must finish first, ended with error',
  );
  assertEquals(await fixture.claim(5), ["cleanup"]);
  const { skipped, exit, ended_ms } = await fixture.meta("child");
  assertEquals([skipped, exit], ["1", "123"]);
  assert(Math.abs(Number(ended_ms) - await store.time()) < 60_000);
  const ttl = Number(await fixture.server.call("PTTL", fixture.keys.job("child")));
  assert(ttl > 0 && ttl <= 60_000, String(ttl));
  assertEquals((await store.newestEvents(4)).map(({ event, id, state }) => `${event} ${id} ${state}`).toSorted(), [
    "finish a error",
    "promote cleanup dispatched",
    "skipped child error",
    "skipped grandchild error",
  ]);
  assertEquals((await store.dependents("a", "skipped")).ids, ["child"]);
});

Deno.test("a job that waits for one which is gone is skipped, and one that had met its condition is not", async () => {
  await using fixture = await RedisFixture.open();
  const { queue, server, keys } = fixture;
  for (const id of ["a", "b", "c"]) await fixture.submit(id);
  await fixture.submit("met", { after: ["a", "c"] });
  await fixture.submit("gone", { afterEnd: ["b"] });
  await runNext(fixture, "a");
  for (const id of ["a", "b"]) await server.call("DEL", keys.job(id), keys.meta(id));
  assertEquals(await queue.promote("gone", { force: true }), "SKIPPED");
  assertEquals(await statusOf(fixture, "gone"), 'error: skipped: job "b", which must end first, is gone');
  assertEquals(await queue.promote("met", { force: true }), "WAITS");
});

Deno.test("submit() refuses to wait for a job that does not exist, and changes nothing", async () => {
  await using fixture = await RedisFixture.open();
  const { store, server } = fixture;
  await fixture.submit("a");
  const before = await server.digest();
  const job = { id: "b", payload: "x", runner: "r", executor: "tmux.main" };
  assertEquals(await store.submit({ ...job, after: ["a", "none"] }), { type: "ORPHAN", after: "none" });
  assertEquals(await store.submit({ ...job, id: "self", afterEnd: "self" }), { type: "ORPHAN", after: "self" });
  assertEquals(await server.digest(), before);
});

Deno.test("submit() after an ended job and one that runs waits for that one only, however often it is repeated", async () => {
  await using fixture = await RedisFixture.open();
  const { keys } = fixture;
  await fixture.submit("a");
  await runNext(fixture, "a", FAILED);
  await fixture.submit("b");
  assertEquals(await fixture.submit("child", { afterEnd: ["a", "b"] }), "OK");
  assertEquals(await fixture.submit("child", { afterEnd: ["a", "b"] }), "EXISTS");
  assertEquals(Number(await fixture.server.call("SCARD", keys.after("b"))), 1);
  assertEquals(await fixture.server.call("EXISTS", keys.after("a")), 0);
  await runNext(fixture, "b");
  assertEquals(await fixture.list(keys.queue("r")), ["child"]);
});

Deno.test("the end of a job queues a page of those that wait for it, and any runner goes on", async () => {
  await using fixture = await RedisFixture.open();
  const { queue, server, keys } = fixture;
  await fixture.submit("a");
  const ids = await fanOut(fixture, 1_050);
  const finish = await startNext(fixture, "a");
  const { open } = await finish({ keep: 1 });
  assertEquals(open, ["a"]);
  assertEquals((await fixture.list(keys.queue("r"))).length, 100);
  assert(Number(await server.call("PTTL", keys.job("a"))) > 60_000, "its end stays known");
  // the process that has ended it died: another one finds what is left
  const other = fixture.runner({ instance: "other", nonce: "n2" });
  assertEquals(await other.unsettled(10), ["a"]);
  let left = await other.unsettled(10);
  for (let pages = 1; left.length > 0; pages++) {
    left = await other.settle(left[0]);
    assertEquals((await fixture.list(keys.queue("r"))).length, Math.min(ids.length, 100 * (pages + 1)));
  }
  assertEquals(await server.call("EXISTS", keys.after("a"), keys.unsettled(), keys.delay("r")), 0);
  assertEquals((await fixture.list(keys.queue("r"))).toSorted(), ids.toSorted());
  assertEquals(await queue.settle("a"), []);
});

Deno.test("a failure skips thousands page by page, also a long chain behind each", async () => {
  await using fixture = await RedisFixture.open();
  const { queue, store, server, keys } = fixture;
  await fixture.submit("a");
  const ids = await fanOut(fixture, 500);
  await Promise.all(ids.map((id) => fixture.submit(`${id}.1`, { after: id })));
  for (let i = 0; i < 300; i++) await fixture.submit(`chain${i}`, { after: i === 0 ? "a" : `chain${i - 1}` });
  const { open } = await (await startNext(fixture, "a"))(FAILED);
  assert(open.length > 0 && open.length <= 101, String(open.length));
  const left = [...open];
  for (let id = left.pop(); id !== undefined; id = left.pop()) left.push(...await queue.settle(id));
  const jobs = await store.summaries([...ids, ...ids.map((id) => `${id}.1`), "chain299"]);
  assertEquals(jobs.filter((job) => job?.meta.skipped !== "1").length, 0);
  assertEquals(await server.call("EXISTS", keys.unsettled(), keys.delay("r"), keys.queue("r")), 0);
});

Deno.test("retry() of a job strikes it off first where it has met the condition, and keeps the others waiting", async () => {
  await using fixture = await RedisFixture.open();
  const { store, queue, server, keys } = fixture;
  await fixture.submit("a");
  await fanOut(fixture, 300);
  for (let i = 0; i < 300; i++) await fixture.submit(`e${i}`, { afterEnd: "a" });
  // a foreign runner has ended it: no event of ours
  await fixture.claim(1);
  await server.call("HSET", keys.job("a"), "status", "error", "error", "foreign");
  assertEquals(await store.retry("a"), { type: "OK" });
  const waiting = await fixture.list(keys.queue("r"));
  assertEquals(waiting.filter((id) => id.startsWith("e")).length, 300);
  assertEquals(waiting.filter((id) => id.startsWith("c")), []);
  assertEquals(await statusOf(fixture, "c7"), "dispatched");
  assertEquals(await server.call("ZCARD", keys.delay("r")), 300);
  assertEquals(await queue.settle("a"), [], "it has not ended");
  assertEquals(await server.call("SCARD", keys.after("a")), 300);
});

Deno.test("retry() after the first page of a success queues the rest before the job starts again", async () => {
  await using fixture = await RedisFixture.open();
  const { store, keys } = fixture;
  await fixture.submit("a");
  await fanOut(fixture, 400);
  await (await startNext(fixture, "a"))();
  assertEquals(await store.retry("a"), { type: "OK" });
  assertEquals((await fixture.list(keys.queue("r"))).length, 401);
});

Deno.test("retry() of a child waits for those jobs again that exist and have not met its condition", async () => {
  await using fixture = await RedisFixture.open();
  const { store, server, keys } = fixture;
  for (const id of ["a", "b", "c"]) await fixture.submit(id);
  await fixture.submit("child", { after: ["a", "b"], afterEnd: "c" });
  for (const id of ["a", "b", "c"]) await runNext(fixture, id);
  await runNext(fixture, "child", FAILED);
  await store.retry("a");
  await server.call("DEL", keys.job("b"));
  assertEquals(await store.retry("child"), { type: "WAITS", after: ["a"] });
  assertEquals(await server.call("SMEMBERS", keys.after("a")), ["r\nchild"]);
  await runNext(fixture, "a");
  assertEquals(await fixture.list(keys.queue("r")), ["child"]);
});

Deno.test("retry() of a skipped job that another failed job blocks says so, and is found behind that one", async () => {
  await using fixture = await RedisFixture.open();
  const { store } = fixture;
  for (const id of ["a", "b"]) await fixture.submit(id);
  await fixture.submit("child", { after: ["a", "b"] });
  await store.cancel("a", "");
  await store.cancel("b", "");
  assertEquals((await store.dependents("b", "skipped")).ids, ["child"], "also of the second failure");
  await store.retry("a");
  assertEquals(await store.retry("child", { skipped: true }), { type: "NEVER", after: "b", failed: true });
  assertEquals(await statusOf(fixture, "child"), 'error: skipped: job "b", which must finish first, ended with error');
  await store.retry("b");
  const reply = await store.retry("child", { skipped: true });
  assertEquals(reply.type === "WAITS" && reply.after.toSorted(), ["a", "b"]);
  assertEquals((await fixture.meta("child")).skipped, undefined);
});

Deno.test("start() sends a job back that another program has queued too early", async () => {
  await using fixture = await RedisFixture.open();
  const { queue, server, keys } = fixture;
  await fixture.submit("a", { runner: "elsewhere" });
  await fixture.submit("child", { after: "a" });
  await server.call("LPUSH", keys.queue("r"), "child");
  const claimed = await queue.claim(1, ["tmux.main"]);
  assertEquals(claimed !== "FENCED" && claimed[0].reply, { type: "WAITS" });
  assertEquals([await queue.claimed(), await statusOf(fixture, "child")], [[], "dispatched"]);
  // also when it is delayed nowhere
  await server.call("DEL", keys.delay("r"));
  await server.call("LPUSH", keys.queue("r"), "child");
  await queue.claim(1);
  assertEquals((await queue.start("child")).type, "WAITS");
  assertEquals(await server.call("ZCARD", keys.delay("r")), 1);
});

Deno.test("promote() finds the end of a foreign parent, in a hash or a JSON string, and what Redis lost", async () => {
  await using fixture = await RedisFixture.open();
  const { queue, server, keys } = fixture;
  await server.call("HSET", keys.job("hash"), "payload", "true");
  await server.call("SET", keys.job("json"), '{"payload":"true"}');
  for (const id of ["hash", "json"]) await fixture.submit(`after ${id}`, { after: id });
  await server.call("DEL", keys.after("hash"), keys.after("json"));
  for (const id of ["hash", "json"]) assertEquals(await queue.promote(`after ${id}`, { force: true }), "WAITS");
  assertEquals(await server.call("SMEMBERS", keys.after("hash")), ["r\nafter hash"], "it is found at its end again");
  await server.call("HSET", keys.job("hash"), "status", "finished");
  await server.call("SET", keys.job("json"), '{"payload":"true","status":"error"}');
  assertEquals(await queue.promote("after hash", { force: true }), "PROMOTED");
  assertEquals(await queue.promote("after json", { force: true }), "SKIPPED");
});

Deno.test("the end of a job that is cancelled or lost skips or queues those that wait for it", async () => {
  await using fixture = await RedisFixture.open();
  const { store, queue, server, keys } = fixture;
  const children = async (id: string) => {
    await fixture.submit(`after ${id}`, { after: id, runner: "other" });
    await fixture.submit(`end of ${id}`, { afterEnd: id, runner: "other" });
  };
  const check = async (id: string) => {
    assertEquals((await fixture.meta(`after ${id}`)).skipped, "1", id);
    assert((await fixture.list(keys.queue("other"))).includes(`end of ${id}`), id);
  };
  await fixture.submit("cancelled");
  await children("cancelled");
  await store.cancel("cancelled", "");
  await check("cancelled");

  const gone = fixture.runner({ instance: "gone", nonce: "n9" });
  await gone.register(INFO);
  await fixture.submit("lost");
  await children("lost");
  await gone.claim(1);
  await gone.start("lost");
  await fixture.expire("gone");
  const options = { policy: "fail", graceMs: 0, lostAfterMs: 1 } as const;
  assertEquals(await queue.reap("gone", { attempt: "lost" }, options), "FAILED");
  await check("lost");

  await fixture.submit("asked");
  await children("asked");
  await fixture.claim(1);
  await server.call("HSET", keys.meta("asked"), "cancel", "no");
  assertEquals((await queue.start("asked")).type, "CANCELLED");
  await check("asked");
});

Deno.test("a plain job costs no more commands, and one that waits for one job no more than before", async () => {
  await using fixture = await RedisFixture.open();
  const { server } = fixture;
  const cost = async (work: () => Promise<void>): Promise<number> => {
    await server.call("CONFIG", "RESETSTAT");
    await work();
    const info = String(await server.call("INFO", "commandstats"));
    return [...info.matchAll(/^cmdstat_(?!config|info)\S+:calls=(\d+)/gm)].reduce((sum, [, n]) => sum + Number(n), 0);
  };
  await fixture.submit("warm");
  await runNext(fixture, "warm");
  const plain = await cost(async () => {
    await fixture.submit("a");
    await runNext(fixture, "a");
  });
  await fixture.submit("p");
  const waiting = await cost(async () => {
    await fixture.submit("child", { after: "p" });
    await runNext(fixture, "p");
    await runNext(fixture, "child");
  });
  assert(plain <= PLAIN, String(plain));
  assert(waiting <= WAITING, String(waiting));
});
