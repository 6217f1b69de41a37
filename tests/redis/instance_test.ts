import { UnavailableError } from "../../src/domain/errors.ts";
import type { LostPolicy, Trouble } from "../../src/ports/queue.ts";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { until } from "../support/until.ts";
import { ended, INFO, raw, RedisFixture } from "./redis_fixture.ts";

const options = { policy: "hold" as LostPolicy, graceMs: 0, lostAfterMs: 3_600_000 };

Deno.test("register() lets one process own an instance, and another one only with proof that the first is gone", async () => {
  await using fixture = await RedisFixture.open();
  const from = await fixture.now();
  assertEquals((await fixture.queue.register(INFO)).type, "OK");
  const second = fixture.runner({ nonce: "n2" });
  // containers share a boot, and a name may be a part of another one
  for (const proof of [[], ["n0"], ["n11", "xn1", ""]]) {
    const busy = await second.register({ ...INFO, host: "host-2" }, { proof });
    assert(busy.type === "BUSY" && busy.msLeft <= 30_000 && busy.msLeft >= 30_000 - (await fixture.now() - from));
    assertEquals(busy.host, "host-1");
  }
  assertEquals((await fixture.queue.heartbeat([], "up")).type, "OK");
  assertEquals((await second.register(INFO, { proof: ["n0", "n1"] })).type, "OK");
  assertEquals(await fixture.queue.heartbeat([], "up"), { type: "FENCED" });
  await fixture.expire("i");
  assertEquals((await fixture.queue.register({ ...INFO, bootId: "boot-3" })).type, "OK");
});

Deno.test("register() says that another folder had the identity meanwhile, until everything is brought back", async () => {
  await using fixture = await RedisFixture.open();
  const mixed = async (nonce: string, options: { lineage?: string[]; restored?: boolean; unmixed?: boolean } = {}) => {
    await fixture.expire("i");
    const reply = await fixture.runner({ nonce }).register(INFO, options);
    assert(reply.type === "OK");
    return reply.mixed;
  };
  assertEquals(await mixed("n2", { lineage: ["n1"] }), false);
  // a copy of that folder, whose first reply was lost
  assertEquals([await mixed("c1"), await mixed("c1")], [true, true]);
  // and the original after it
  assertEquals(await mixed("n3", { lineage: ["n1", "n2"] }), true);
  assertEquals(await mixed("n4", { lineage: ["n2", "n3"] }), true);
  assertEquals(await mixed("n4", { lineage: ["n2", "n3"], restored: true }), true);
  assertEquals(await mixed("n4", { lineage: ["n2", "n3"], unmixed: true }), false);
  assertEquals(await mixed("n5", { lineage: ["n3", "n4"] }), false);
});

Deno.test("register() says that the data has another history than when it was whole, also to an instance that is new", async () => {
  await using fixture = await RedisFixture.open();
  const stale = async (instance: string) => {
    const reply = await fixture.runner({ instance, nonce: `of ${instance}` }).register(INFO);
    assert(reply.type === "OK");
    return reply.stale;
  };
  assertEquals([await stale("a"), await stale("b")], [false, false]);
  await fixture.server.call("REPLICAOF", "127.0.0.1", 1);
  await fixture.server.call("REPLICAOF", "NO", "ONE");
  assertEquals([await stale("b"), await stale("c")], [true, true]);
  const queue = fixture.runner({ instance: "d", nonce: "of d" });
  queue.trust(await queue.serverId());
  await queue.seal();
  assertEquals([await stale("b"), await stale("e")], [false, false]);
});

Deno.test("register() returns up to which of its numbers Redis has a record of the instance, also after it left", async () => {
  await using fixture = await RedisFixture.open();
  const { queue, server, keys } = fixture;
  const seq = async () => {
    const reply = await queue.register(INFO);
    assert(reply.type === "OK");
    return reply.seq;
  };
  assertEquals(await seq(), 0);
  await queue.heartbeat([], "up");
  const run = await fixture.started("a");
  assertEquals([run.seq, queue.reported, await seq()], [2, 2, 2]);
  await queue.finish(ended(run));
  assertEquals(await queue.retire(), true);
  const left = Number(await server.call("PTTL", keys.instance("r", "i")));
  assert(left > 10 * 60_000, `${left} ms`);
  assertEquals([await fixture.store.instances(), await seq()], [[], 2]);
  assertEquals(await server.call("PTTL", keys.instance("r", "i")), -1);
  await server.call("FLUSHALL");
  // as long as not everything is brought back
  assertEquals([await seq(), await seq()], [0, 0]);
  await queue.register(INFO, { restored: true });
  assertEquals(await seq(), 2);
});

Deno.test("register() does not believe that all is brought back when Redis lost data once more since", async () => {
  await using fixture = await RedisFixture.open();
  const { queue, server, keys } = fixture;
  const run = await fixture.started("a");
  await server.call("FLUSHALL");
  await queue.register(INFO);
  assertEquals(await queue.reassert({ ...run, startedMs: 1 }), "OK");
  await server.call("FLUSHALL");
  const error = await assertRejects(() => queue.register(INFO, { restored: true }), UnavailableError, "lost data");
  assertEquals((error as unknown as Trouble).code, "LOST");
  assertEquals([await server.keys(), queue.doubts], [[], 1]);
  // what the next round does
  const again = await queue.register(INFO);
  assert(again.type === "OK" && again.seq === 0, JSON.stringify(again));
  await queue.register(INFO, { restored: true });
  assertEquals(await server.call("HGET", keys.instance("r", "i"), "seq"), "1");
});

Deno.test("heartbeat() extends the lease and shows the state", async () => {
  await using fixture = await RedisFixture.open();
  await fixture.expire("i");
  const [before] = await fixture.store.instances();
  assert(!before.alive && before.silentMs > 1_000_000);
  await fixture.queue.heartbeat([], "draining");
  const [after] = await fixture.store.instances();
  assert(after.alive && after.silentMs < before.silentMs / 2);
  assertEquals([after.state, after.host, after.pid, after.slots, after.running], ["draining", "host-1", 7, 4, 0]);
});

Deno.test("heartbeat() returns LOST when Redis has no record of the instance", async () => {
  await using fixture = await RedisFixture.open();
  await fixture.server.call("FLUSHALL");
  assertEquals(await fixture.queue.heartbeat([], "up"), { type: "LOST" });
  assertEquals(await fixture.server.keys(), []);
});

Deno.test("heartbeat() sorts runs into fenced, unknown and cancelled ones", async () => {
  await using fixture = await RedisFixture.open();
  const { server, keys } = fixture;
  const runs = [];
  for (const id of ["fine", "taken", "lost-x", "lost-job", "lost-run", "cancel", "foreign", "ended"]) {
    runs.push(await fixture.started(id));
  }
  await server.call("HSET", keys.meta("taken"), "token", "9.n9");
  await server.call("DEL", keys.meta("lost-x"), keys.job("lost-job"));
  await server.call("HDEL", keys.attempts("r", "i"), "lost-run");
  await fixture.store.cancel("cancel", "why");
  await server.call("HSET", keys.job("foreign"), "status", "error");
  await fixture.queue.finish(ended(runs[7]));
  await fixture.claimed("claimed");
  await fixture.store.pause("r", true);
  assertEquals(await fixture.queue.heartbeat(runs, "up"), {
    type: "OK",
    fenced: runs.filter(({ id }) => id === "taken").map(({ id, token }) => ({ id, token })),
    unknown: ["lost-x", "lost-job", "lost-run"],
    cancel: [{ id: "cancel", reason: "why" }, { id: "foreign", reason: "another program set its status to error" }],
    extra: true,
    claims: 1,
    paused: true,
    overdue: false,
    dueInMs: null,
    schedules: { mark: "", dueInMs: null },
  });
  await fixture.store.pause("r", false);
  const fine = await fixture.queue.heartbeat([runs[0]], "up");
  assert(fine.type === "OK" && fine.extra && !fine.paused);
});

Deno.test("heartbeat() returns when a delayed job is due, and whether another instance is overdue", async () => {
  await using fixture = await RedisFixture.open();
  const facts = async () => {
    const reply = await fixture.queue.heartbeat([], "up");
    assert(reply.type === "OK");
    return reply;
  };
  const now = await fixture.now();
  await fixture.submit("later", { notBeforeMs: now + 60_000 });
  await fixture.submit("soon", { notBeforeMs: now + 30_000 });
  const { dueInMs } = await facts();
  assert(dueInMs! <= 30_000 && dueInMs! >= 30_000 - (await fixture.now() - now), `due in ${dueInMs}`);
  await fixture.server.call("ZADD", fixture.keys.delay("r"), now - 1000, "soon");
  assertEquals((await facts()).dueInMs, 0);

  await fixture.runner({ instance: "j", nonce: "n2" }).register(INFO);
  assertEquals((await facts()).overdue, false);
  await fixture.server.call("ZADD", fixture.keys.lease("r"), await fixture.store.time() - 1000, "j");
  assertEquals((await facts()).overdue, true);
});

Deno.test("onBell() wakes the runners of a name for a cancel, a delayed job and a pause", async () => {
  await using fixture = await RedisFixture.open();
  let calls = 0;
  fixture.queue.onWakeUp(() => calls++);
  await until("it listens", () => calls === 1);
  await fixture.started("running");
  const rings = async (step: () => Promise<unknown>) => {
    const before = calls;
    await step();
    await until("it is called", () => calls > before);
  };
  await rings(() => fixture.store.cancel("running", ""));
  await rings(() => fixture.submit("later", { notBeforeMs: 9e12 }));
  await rings(() => fixture.store.pause("r", true));
  await rings(() => fixture.store.pause("r", false));
});

Deno.test("heartbeat() repairs the status of a run that another program wrote back", async () => {
  await using fixture = await RedisFixture.open();
  const run = await fixture.started("a");
  for (const status of ["dispatched", "", "queued"]) {
    await fixture.server.call("HSET", fixture.keys.job("a"), "status", status);
    const heartbeat = await fixture.queue.heartbeat([run], "up");
    assert(heartbeat.type === "OK" && heartbeat.cancel.length === 0 && !heartbeat.extra);
    assertEquals((await fixture.job("a")).status, "started");
  }
  assertEquals((await fixture.meta("a")).foreign_overwrite, "3");
});

Deno.test("retire() forgets an instance that holds nothing", async () => {
  await using fixture = await RedisFixture.open();
  const other = fixture.runner({ instance: "i2", nonce: "n2" });
  await other.register(INFO);
  const run = await fixture.started("a");
  await fixture.claimed("b");
  assertEquals(await fixture.queue.retire(), false);
  await fixture.queue.finish(ended(run));
  assertEquals(await fixture.queue.retire(), false);
  await fixture.queue.release(raw("b"));
  assertEquals(await fixture.queue.retire("i2"), false);
  assertEquals(await fixture.queue.retire(), true);
  assertEquals(await fixture.queue.retire(), false);
  await fixture.expire("i2");
  assertEquals(await fixture.queue.retire("i2"), true);
  assertEquals(await fixture.store.instances(), []);
});

Deno.test("heartbeat() brings an instance back that a peer has retired while it was frozen", async () => {
  await using fixture = await RedisFixture.open();
  const { queue, server, keys } = fixture;
  const peer = fixture.runner({ instance: "i2", nonce: "n2" });
  await peer.register(INFO);
  await fixture.expire("i");
  assertEquals(await peer.retire("i"), true);
  assertEquals(await queue.claim(1), "FENCED");
  assertEquals((await queue.heartbeat([], "up")).type, "OK");
  assertEquals([await server.call("PTTL", keys.instance("r", "i")), queue.doubts], [-1, 0]);
  assertEquals(await queue.claim(1), []);
  assertEquals((await peer.leases()).map(({ instance }) => instance), ["i"]);
});

Deno.test("reap() touches nothing of an instance whose lease holds", async () => {
  await using fixture = await RedisFixture.open();
  const other = fixture.runner({ instance: "i2", nonce: "n2" });
  await fixture.started("a");
  await fixture.claimed("b");
  const before = await fixture.server.digest();
  assertEquals(await other.reap("i", { claim: raw("b") }, options), "ALIVE");
  assertEquals(await other.reap("i", { attempt: "a" }, { ...options, policy: "fail" }), "ALIVE");
  assertEquals(await fixture.server.digest(), before);
  await fixture.server.call("ZADD", fixture.keys.lease("r"), await fixture.store.time() - 1_000, "i");
  assertEquals(await other.reap("i", { attempt: "a" }, { ...options, policy: "fail", graceMs: 60_000 }), "ALIVE");
  assertEquals((await fixture.job("a")).status, "started");
});

Deno.test("reap() gives the claims of a lost instance back, any bytes, once", async () => {
  await using fixture = await RedisFixture.open();
  const other = fixture.runner({ instance: "i2", nonce: "n2" });
  await other.register(INFO);
  const bytes = new Uint8Array([0xff, 0x41]);
  await fixture.server.call("LPUSH", fixture.keys.queue("r"), bytes);
  await fixture.queue.claim(1);
  await fixture.claimed("b");
  await fixture.expire("i");
  const peers = await other.leases();
  assertEquals(peers.map((peer) => peer.instance), ["i"]);
  assert(peers[0].expiredMs > 1_000_000);
  const { claims } = await other.holdings("i");
  assertEquals(claims, [bytes, raw("b")]);
  for (const claim of claims) assertEquals(await other.reap("i", { claim }, options), "REQUEUED");
  for (const claim of claims) assertEquals(await other.reap("i", { claim }, options), "GONE");
  assertEquals(await fixture.server.call("LLEN", fixture.keys.queue("r")), 2);
  assertEquals((await fixture.queue.start("b")).type, "GONE");
});

Deno.test("reap() with hold waits for the host until the job is over", async () => {
  await using fixture = await RedisFixture.open();
  const other = fixture.runner({ instance: "i2", nonce: "n2" });
  const run = await fixture.started("a");
  await fixture.started("timed", { timeout: 3_600 });
  await fixture.expire("i");
  await fixture.server.call("ZADD", fixture.keys.lease("r"), await fixture.store.time() - 5_000, "i");
  const reap = (id: string, lostAfterMs: number) => other.reap("i", { attempt: id }, { ...options, lostAfterMs });
  assertEquals([await reap("a", 60_000), await reap("timed", 0)], ["HELD", "HELD"]);
  assertEquals((await other.holdings("i")).attempts.length, 2);
  assertEquals(await reap("a", 1_000), "FAILED");
  assertEquals(await reap("a", 1_000), "GONE");
  assertEquals((await fixture.job("a")).error, 'lost: the lease of its runner "r", instance i, ended 5 s ago');
  const { exit, lost, token } = await fixture.meta("a");
  assertEquals([exit, lost, token], ["125", "1", "0"]);
  await fixture.server.call("HSET", fixture.keys.meta("timed"), "started_ms", 1);
  assertEquals(await reap("timed", 0), "FAILED");
  // the host comes back
  assertEquals((await fixture.queue.finish(ended(run))).type, "FENCED");
  const end = await fixture.queue.endOf(run);
  assertEquals([end?.state, end?.exitCode, end?.error.slice(0, 5)], ["error", 125, "lost:"]);
  const heartbeat = await fixture.queue.heartbeat([run], "up");
  assert(heartbeat.type === "OK" && heartbeat.fenced[0].token === run.token);
  assertEquals(await fixture.queue.reassert({ ...run, startedMs: 1 }), "FENCED");
});

Deno.test("reap() with requeue runs a job again, until three hosts were lost with it", async () => {
  await using fixture = await RedisFixture.open();
  const other = fixture.runner({ instance: "i2", nonce: "n2" });
  await other.register(INFO);
  await fixture.submit("a");
  for (const [attempt, expected] of [[1, "REQUEUED"], [2, "REQUEUED"], [3, "FAILED"]]) {
    await fixture.queue.register(INFO);
    await fixture.queue.claim(1);
    const reply = await fixture.queue.start("a");
    assert(reply.type === "OK" && reply.attempt === attempt);
    await fixture.expire("i");
    assertEquals(await other.reap("i", { attempt: "a" }, { ...options, policy: "requeue" }), expected);
    assertEquals((await fixture.queue.finish(ended({ id: "a", token: reply.token }))).type, "FENCED");
  }
  assertEquals((await fixture.job("a")).status, "error");
});

Deno.test("reap() forgets runs that ended or were started anew elsewhere", async () => {
  await using fixture = await RedisFixture.open();
  const other = fixture.runner({ instance: "i2", nonce: "n2" });
  for (const id of ["ended", "newer", "gone"]) await fixture.started(id);
  await fixture.server.call("HSET", fixture.keys.job("ended"), "status", "finished");
  await fixture.server.call("HSET", fixture.keys.meta("newer"), "token", "2.x");
  await fixture.server.call("DEL", fixture.keys.job("gone"));
  await fixture.expire("i");
  for (const run of ["ended", "newer", "gone"]) {
    assertEquals(await other.reap("i", { attempt: run }, { ...options, policy: "fail" }), "STALE");
  }
  assertEquals((await fixture.job("newer")).status, "started");
  assertEquals((await other.holdings("i")).attempts, []);
});

Deno.test("reap() ends the run of a lost host also when Redis lost what we knew of it", async () => {
  await using fixture = await RedisFixture.open();
  const other = fixture.runner({ instance: "i2", nonce: "n2" });
  await fixture.started("a");
  await fixture.server.call("DEL", fixture.keys.meta("a"), fixture.keys.lease("r"));
  assertEquals(await other.reap("i", { attempt: "a" }, { ...options, policy: "fail" }), "FAILED");
  assertEquals(
    (await fixture.job("a")).error,
    'lost: the lease of its runner "r", instance i, ended and left no trace',
  );
});

Deno.test("reassert() restores a run after Redis lost everything", async () => {
  await using fixture = await RedisFixture.open();
  const run = await fixture.started("a", { retries: 2, labels: { k: "v" } });
  const [job, meta] = [await fixture.job("a"), await fixture.meta("a")];
  await fixture.server.call("FLUSHALL");
  const request = { ...run, startedMs: Number(run.meta.started_ms) };
  const error = await assertRejects(() => fixture.queue.reassert(request));
  assertEquals((error as { condition?: string }).condition, "busy");
  await fixture.queue.register(INFO);
  for (let i = 0; i < 2; i++) assertEquals(await fixture.queue.reassert(request), "OK");
  assertEquals(await fixture.events(), ["reassert"]);
  const { updated_at: _, ...restored } = await fixture.job("a");
  assertEquals({ ...restored, updated_at: job.updated_at }, job);
  assertEquals(await fixture.meta("a"), meta);
  assertEquals(await fixture.queue.owned(), [{ id: "a", token: run.token }]);
  assertEquals(await fixture.store.newest(1), ["a"]);
  assertEquals((await fixture.queue.finish(ended(run))).type, "OK");
  assertEquals(await fixture.queue.reassert(request), "DONE");
  assertEquals((await fixture.job("a")).status, "finished");
});

Deno.test("endOf() says what is on record of an attempt, until another one begins or the job is gone", async () => {
  await using fixture = await RedisFixture.open();
  const { queue } = fixture;
  const run = await fixture.started("a", { retries: 2 });
  assertEquals(await queue.endOf(run), null);
  const failed = {
    state: "error",
    result: "",
    error: "exited with code 3",
    exitCode: 3,
    outputBytes: 9,
    ms: 8,
  } as const;
  await queue.finish(ended(run, { ...failed, retryDelayMs: 0 }));
  assertEquals(await queue.endOf(run), { ...failed, retry: true });
  await queue.promote("a");
  await queue.claim(1);
  const second = await queue.start("a");
  assert(second.type === "OK");
  assertEquals(await queue.endOf(run), null);
  const last = { id: "a", token: second.token };
  await queue.finish(ended(last));
  const { keep: _, retryDelayMs: __, id: ___, token: ____, ...end } = ended(last);
  assertEquals(await queue.endOf(last), end);
  await fixture.server.call("DEL", fixture.keys.job("a"));
  assertEquals(await queue.endOf(last), null);
});

Deno.test("restore() brings an attempt and its end back in one step, or says who has it", async () => {
  await using fixture = await RedisFixture.open();
  const { queue, server, keys } = fixture;
  const run = await fixture.started("a", { retries: 1 });
  const request = { ...run, startedMs: Number(run.meta.started_ms) };
  await server.call("FLUSHALL");
  await queue.register(INFO);
  assertEquals((await queue.restore(request, ended(run))).type, "OK");
  assertEquals((await fixture.job("a")).status, "finished");
  assertEquals(await queue.owned(), []);
  assertEquals((await queue.restore(request, ended(run, { state: "error" }))).type, "ALREADY");
  assertEquals((await fixture.job("a")).status, "finished");
  await server.call("HSET", keys.meta("a"), "attempt", 2, "token", "2.x", "done", "2.x");
  assertEquals((await queue.restore(request, ended(run))).type, "FENCED");
  // an attempt that is to be tried again
  await server.call("FLUSHALL");
  await queue.register(INFO);
  assertEquals((await queue.restore(request, ended(run, { state: "error", retryDelayMs: 0 }))).type, "RETRY");
  await until("it is due by the runner's estimate of Redis' clock", async () => (await queue.due(5)).includes("a"));
});

Deno.test("reassert() removes a job that Redis went back to from every list", async () => {
  await using fixture = await RedisFixture.open();
  const run = await fixture.started("a");
  const { server, keys } = fixture;
  await server.call("HSET", keys.job("a"), "status", "dispatched");
  await server.call("DEL", keys.meta("a"), keys.attempts("r", "i"));
  for (const key of [keys.queue("r"), keys.claim("r", "i"), keys.low("r")]) await server.call("LPUSH", key, "a");
  await server.call("ZADD", keys.delay("r"), 1, "a");
  assertEquals(await fixture.queue.reassert({ ...run, startedMs: 5 }), "OK");
  for (const key of [keys.queue("r"), keys.claim("r", "i"), keys.low("r"), keys.delay("r")]) {
    assertEquals(await server.call("EXISTS", key), 0, key);
  }
  assertEquals((await fixture.job("a")).status, "started");
});

Deno.test("reassert() lets a newer attempt win, and a terminal status", async () => {
  await using fixture = await RedisFixture.open();
  const run = await fixture.started("a");
  const { server, keys } = fixture;
  const request = { ...run, startedMs: 5 };
  await server.call("HSET", keys.meta("a"), "attempt", 2, "token", "2.x");
  assertEquals(await fixture.queue.reassert(request), "FENCED");
  await server.call("HSET", keys.meta("a"), "attempt", 1, "token", run.token);
  await server.call("HSET", keys.job("a"), "status", "error");
  assertEquals(await fixture.queue.reassert(request), "FINAL");
  assertEquals(await fixture.queue.owned(), []);
  // Redis went back to the end of an attempt before
  const newer = { ...request, attempt: 2, token: "2.n1", meta: {} };
  await server.call("HSET", keys.meta("a"), "exit", 3, "ended_ms", 1, "done", run.token);
  for (const key of [keys.job("a"), keys.meta("a")]) await server.call("PEXPIRE", key, 60_000);
  assertEquals(await fixture.queue.reassert(newer), "OK");
  assertEquals((await fixture.job("a")).status, "started");
  const { exit, ended_ms, done, token, attempt, instance, nonce, started_ms } = await fixture.meta("a");
  assertEquals([exit, ended_ms, done], [undefined, undefined, undefined]);
  assertEquals([token, attempt, instance, nonce, started_ms], ["2.n1", "2", "i", "n1", "5"]);
  for (const key of [keys.job("a"), keys.meta("a")]) assertEquals(await server.call("PTTL", key), -1);
  await server.call("DEL", keys.job("a"));
  await server.call("SET", keys.job("a"), "x");
  assertEquals(await fixture.queue.reassert(newer), "FINAL");
});

Deno.test("sweep() forgets jobs that left Redis, also behind jobs that stay", async () => {
  await using fixture = await RedisFixture.open();
  for (let i = 0; i < 9; i++) await fixture.submit(`j${i}`, { title: "t" });
  for (const i of [1, 5, 6, 8]) await fixture.server.call("DEL", fixture.keys.job(`j${i}`));
  let forgotten = 0;
  for (let round = 0; round < 6; round++) forgotten += await fixture.queue.sweep(3);
  assertEquals(forgotten, 4);
  assertEquals((await fixture.store.newest(20)).toSorted(), ["j0", "j2", "j3", "j4", "j7"]);
  assertEquals(await fixture.server.call("EXISTS", fixture.keys.meta("j5")), 0);
  assertEquals(await fixture.server.call("EXISTS", fixture.keys.meta("j7")), 1);
});

Deno.test("serverId() changes when Redis was started anew", async () => {
  await using fixture = await RedisFixture.open();
  const before = await fixture.queue.serverId();
  assertEquals(before.length, 81);
  assertEquals(await fixture.queue.serverId(), before);
  await fixture.server.kill9();
  await fixture.server.restart();
  const after = await until("Redis answers", () => fixture.queue.serverId().catch(() => ""));
  assert(after !== before);
});

Deno.test("sweep() forgets names of queues that are empty, not paused and not served, and no others", async () => {
  await using fixture = await RedisFixture.open();
  const { queue, server, store, keys } = fixture;
  const names = async () => (await store.queues()).map(({ runner }) => runner).sort();
  for (const runner of ["queued", "low", "delayed", "paused", "emptied"]) await fixture.submit(runner, { runner });
  for (const runner of ["low", "delayed", "paused", "emptied"]) await server.call("DEL", keys.queue(runner));
  await server.call("LPUSH", keys.low("low"), "low");
  await server.call("ZADD", keys.delay("delayed"), 1, "delayed");
  await store.pause("paused", true);
  await queue.sweep(100);
  assertEquals(await names(), ["delayed", "low", "paused", "queued", "r"]);
  await store.pause("paused", false);
  await server.call("DEL", keys.low("low"), keys.delay("delayed"));
  await queue.sweep(100);
  assertEquals(await names(), ["queued", "r"]);
  await fixture.submit("again", { runner: "emptied" });
  assertEquals(await names(), ["emptied", "queued", "r"]);
});

Deno.test("the name of a queue is remembered for a while after its last runner left, and as long as one is there", async () => {
  await using fixture = await RedisFixture.open();
  const { queue, server, store, keys } = fixture;
  const names = async () => (await store.queues()).map(({ runner }) => runner);
  const second = fixture.runner({ instance: "i2", nonce: "n2" });
  await second.register(INFO);
  await second.retire();
  assertEquals(await server.call("PTTL", keys.history("r")), -1, "a runner is still there");
  await queue.retire();
  assert(Number(await server.call("PTTL", keys.history("r"))) > 60_000);
  await queue.sweep(100);
  assertEquals(await names(), ["r"]);
  await queue.register(INFO);
  assertEquals(await server.call("PTTL", keys.history("r")), -1, "a runner is there again");
  await queue.retire();
  await server.call("DEL", keys.history("r"));
  await queue.sweep(100);
  assertEquals(await names(), []);
});

Deno.test("heartbeat() carries no more than the beginning of a reason that is too long", async () => {
  await using fixture = await RedisFixture.open();
  const run = await fixture.started("a");
  await fixture.server.call("HSET", fixture.keys.meta("a"), "cancel", "r".repeat(1 << 20));
  const heartbeat = await fixture.queue.heartbeat([run], "up");
  assertEquals(heartbeat.type === "OK" && heartbeat.cancel, [{ id: "a", reason: "r".repeat(1000) }]);
});
