import type { Claimed } from "../../src/ports/queue.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "../support/assert.ts";
import { ended, INFO, raw, RedisFixture } from "./redis_fixture.ts";

const failed = { state: "error", result: "", error: "exited with code 1", exitCode: 1 } as const;

Deno.test("start() makes the instance the owner of a new attempt in one step", async () => {
  await using fixture = await RedisFixture.open();
  const before = await fixture.now();
  const { type, token, attempt, job, meta } = await fixture.started("a", {
    title: "t",
    labels: { k: "v" },
    retries: 2,
  });
  assertEquals([type, attempt], ["OK", 1]);
  assertMatch(token, /^1\.n1[0-9a-f]+$/);
  assertEquals([job.payload, job.status, meta.title, meta["label:k"], meta.retry_max], [
    "true",
    "started",
    "t",
    "v",
    "2",
  ]);
  assertEquals((await fixture.job("a")).status, "started");
  assertEquals(await fixture.queue.owned(), [{ id: "a", token }]);
  assertEquals(await fixture.queue.claimed(), []);
  const { instance, nonce, runner, started_ms } = await fixture.meta("a");
  assertEquals([instance, nonce, runner], ["i", "n1", "r"]);
  assert(before <= Number(started_ms) && Number(started_ms) <= await fixture.now());
});

Deno.test("start() returns HELD for an attempt that the instance owns already", async () => {
  await using fixture = await RedisFixture.open();
  const run = await fixture.started("a");
  const again = await fixture.queue.start("a");
  assertEquals([again.type, (again as typeof run).token, (again as typeof run).attempt], ["HELD", run.token, 1]);
  await fixture.server.call("LPUSH", fixture.keys.queue("r"), "a");
  await fixture.queue.claim(1);
  assertEquals((await fixture.queue.start("a")).type, "HELD");
  assertEquals(await fixture.queue.claimed(), []);
  // the next process of the instance gets it too: the one before may have died before it launched it
  const next = fixture.runner({ nonce: "n2" });
  await next.register(INFO, { proof: ["n1"] });
  assertEquals((await next.start("a") as typeof run).token, run.token);
});

Deno.test("start() drops the claim of a job that has ended or runs elsewhere", async () => {
  await using fixture = await RedisFixture.open();
  for (const [status, reply] of [["finished", "FINAL"], ["error", "FINAL"], ["started", "DUP"]]) {
    await fixture.claimed(status);
    await fixture.server.call("HSET", fixture.keys.job(status), "status", status);
    assertEquals((await fixture.queue.start(status)).type, reply);
    assertEquals(await fixture.queue.claimed(), []);
    assertEquals((await fixture.job(status)).status, status);
  }
});

for (const where of ["another instance", "another runner"]) {
  for (const step of ["start", "claim"]) {
    Deno.test(`${step}() begins no second attempt of a job that ${where} runs, whatever a foreign program wrote back`, async () => {
      await using fixture = await RedisFixture.open();
      const { server, keys } = fixture;
      const run = await fixture.started("a");
      const read = await server.call("HGETALL", keys.job("a")) as string[];
      const [runner, instance] = where === "another runner" ? ["r2", "i"] : ["r", "i2"];
      const other = fixture.runner({ runner, instance, nonce: "n2" });
      await other.register(INFO);
      const again = async () => {
        await server.call("HSET", keys.job("a"), ...read, "status", "dispatched", "runner", runner);
        await server.call("LPUSH", keys.queue(runner), "a");
        if (step === "start") await other.claim(1);
        return step === "start" ? await other.start("a") : (await other.claim(1, ["tmux.main"]) as Claimed[])[0].reply;
      };
      assertEquals(await again(), { type: "DUP" });
      assertEquals([(await fixture.job("a")).status, (await fixture.meta("a")).token], ["started", run.token]);
      assertEquals([await other.owned(), await other.claimed()], [[], []]);
      // what its host does not hold any more may begin
      await server.call("HDEL", keys.attempts("r", "i"), "a");
      assertEquals((await again())?.type, "OK");
    });
  }
}

Deno.test("start() leaves a job alone of which our own record is foreign", async () => {
  await using fixture = await RedisFixture.open();
  await fixture.claimed("a");
  await fixture.server.call("SET", fixture.keys.meta("a"), "x");
  assertEquals(await fixture.queue.start("a"), { type: "BADTYPE", redisType: "string" });
});

Deno.test("start() leaves the claim of what it cannot judge", async () => {
  await using fixture = await RedisFixture.open();
  const { server, queue, keys } = fixture;
  for (const id of ["missing", "json", "set", "word", "other"]) await fixture.claimed(id);
  await server.call("DEL", keys.job("missing"), keys.job("json"), keys.job("set"));
  await server.call("SET", keys.job("json"), '{"payload":"true"}');
  await server.call("SADD", keys.job("set"), "x");
  await server.call("HSET", keys.job("word"), "status", "queued");
  await server.call("HSET", keys.job("other"), "runner", "q");
  assertEquals(await queue.start("missing"), { type: "MISSING" });
  assertEquals(await queue.start("json"), { type: "JSON", raw: '{"payload":"true"}' });
  assertEquals(await queue.start("set"), { type: "BADTYPE", redisType: "set" });
  assertEquals(await queue.start("word"), { type: "BADSTATUS", status: "queued" });
  assertEquals(await queue.start("other"), { type: "OTHER", runner: "q" });
  assertEquals((await queue.claimed()).length, 5);
  assertEquals((await queue.start("other", { anyRunner: true })).type, "OK");
  assertEquals(await queue.start("gone"), { type: "GONE" });
});

Deno.test("start() of a process that does not own the instance does nothing", async () => {
  await using fixture = await RedisFixture.open();
  await fixture.claimed("a");
  const other = fixture.runner({ nonce: "n0" });
  assertEquals(await other.start("a"), { type: "FENCED" });
  assertEquals(await other.release(raw("a")), false);
  assertEquals((await fixture.queue.claimed()).length, 1);
});

Deno.test("start() ends a job that was cancelled before, and one that is too large", async () => {
  await using fixture = await RedisFixture.open();
  const { server, keys } = fixture;
  await fixture.claimed("a");
  await server.call("HSET", keys.meta("a"), "cancel", "no");
  assertEquals(await fixture.queue.start("a"), { type: "CANCELLED" });
  assertEquals((await fixture.job("a")).error, "cancelled: no");
  for (const field of ["payload", "env_vars"]) {
    await fixture.claimed(field);
    await server.call("HSET", keys.job(field), field, new Uint8Array((16 << 20) + 1).fill(97));
    assertEquals(await fixture.queue.start(field), { type: "TOOBIG" });
    const error = await server.call("HGET", keys.job(field), "error");
    assertEquals(error, `not started: its ${field} has 16777217 bytes, more than 16777216`);
    await server.call("DEL", keys.job(field));
  }
  assertEquals(await fixture.queue.claimed(), []);
});

Deno.test("start() ends a job whose other fields, or bookkeeping, are too large, and sends none of it", async () => {
  await using fixture = await RedisFixture.open();
  const { server, keys, queue } = fixture;
  const large = new Uint8Array(8 << 20).fill(97);
  const before = await server.call("INFO", "stats");
  for (
    const [kind, field] of [["job", "caller_id"], ["job", "result"], ["job", "executor"], ["meta", "title"]] as const
  ) {
    await fixture.claimed(field);
    await server.call("HSET", kind === "job" ? keys.job(field) : keys.meta(field), field, large);
    assertEquals(await queue.start(field), { type: "TOOBIG" });
    assertMatch(
      String(await server.call("HGET", keys.job(field), "error")),
      /^not started: its fields and labels, without payload and environment, have 83\d+ bytes, more than 1048576$/,
    );
    await server.call("DEL", keys.job(field), keys.meta(field));
  }
  for (const [field, type] of [["status", "BADSTATUS"], ["runner", "OTHER"]]) {
    await fixture.claimed(field);
    await server.call("HSET", keys.job(field), field, large);
    assertEquals((await queue.start(field)).type, type);
  }
  await server.call("SET", keys.job("string"), new Uint8Array((32 << 20) + 1).fill(97));
  await server.call("LPUSH", keys.queue("r"), "string");
  await queue.claim(1);
  assertEquals(await queue.start("string"), { type: "BADTYPE", redisType: "string of 33554433 bytes" });
  await server.call("LPUSH", keys.queue("r"), "i".repeat(8 << 20));
  const sent = (text: unknown) => Number(/^total_net_output_bytes:(\d+)/m.exec(String(text))![1]);
  const bytes = sent(await server.call("INFO", "stats")) - sent(before);
  assert(bytes < 1 << 20, `${bytes} bytes`);
});

Deno.test("deadLetter() keeps no more than the beginning of an id that is far too long", async () => {
  await using fixture = await RedisFixture.open();
  const id = "i".repeat(1 << 20);
  await fixture.server.call("LPUSH", fixture.keys.queue("r"), id);
  await fixture.queue.claim(1);
  assertEquals(await fixture.queue.deadLetter(raw(id), "the id is long"), true);
  assertEquals((await fixture.store.deadLetters(1))[0].id, "i".repeat(1000));
  assertEquals((await fixture.store.newestEvents(1))[0].id, "i".repeat(1000));
});

Deno.test("start() runs a payload of 16 MiB and keeps every character of it", async () => {
  await using fixture = await RedisFixture.open();
  const payload = "\ufeff\u0000ä".padEnd((16 << 20) - 5, "x");
  await fixture.server.call("HSET", fixture.keys.job("a"), "payload", payload);
  await fixture.server.call("LPUSH", fixture.keys.queue("r"), "a");
  await fixture.queue.claim(1);
  const reply = await fixture.queue.start("a");
  assert(reply.type === "OK" && reply.job.payload === payload);
});

Deno.test("start() makes an ended job stay that a foreign program queued again", async () => {
  await using fixture = await RedisFixture.open();
  const run = await fixture.started("a");
  await fixture.queue.appendOutput(run, 0, raw("out"));
  await fixture.queue.finish(ended(run));
  await fixture.server.call("HSET", fixture.keys.job("a"), "status", "dispatched");
  await fixture.server.call("LPUSH", fixture.keys.queue("r"), "a");
  await fixture.queue.claim(1);
  const again = await fixture.queue.start("a");
  assert(again.type === "OK" && again.attempt === 2 && again.meta.exit === undefined);
  for (const key of [fixture.keys.job("a"), fixture.keys.meta("a"), fixture.keys.output("a")]) {
    assertEquals(await fixture.server.call("PTTL", key), -1, key);
  }
});

Deno.test("finish() writes the end once and keeps the job as long as asked", async () => {
  await using fixture = await RedisFixture.open();
  const run = await fixture.started("a");
  await fixture.queue.appendOutput(run, 0, raw("out"));
  const from = await fixture.now();
  assertEquals((await fixture.queue.finish(ended(run, { ms: 4.6 }))).type, "OK");
  const { status, result, error } = await fixture.job("a");
  assertEquals([status, result, error], ["finished", "out", ""]);
  const { exit, output_bytes, ms, done, ended_ms } = await fixture.meta("a");
  assertEquals([exit, output_bytes, ms, done], ["0", "3", "5", run.token]);
  assert(Number(ended_ms) > 0);
  for (const key of [fixture.keys.job("a"), fixture.keys.meta("a"), fixture.keys.output("a")]) {
    const left = Number(await fixture.server.call("PTTL", key));
    assert(left <= 60_000 && left >= 60_000 - (await fixture.now() - from), key);
  }
  const before = await fixture.server.digest();
  assertEquals((await fixture.queue.finish(ended(run, failed))).type, "ALREADY");
  assertEquals(await fixture.server.digest(), before);
  await fixture.server.call("HSET", fixture.keys.attempts("r", "i"), "a", run.token);
  assertEquals((await fixture.queue.finish(ended(run))).type, "ALREADY");
  assertEquals(await fixture.queue.owned(), []);
});

Deno.test("finish() with keep 0 keeps the job for ever", async () => {
  await using fixture = await RedisFixture.open();
  await fixture.queue.finish(ended(await fixture.started("a"), { keep: 0 }));
  assertEquals(await fixture.server.call("PTTL", fixture.keys.job("a")), -1);
  assertEquals(await fixture.server.call("PTTL", fixture.keys.meta("a")), -1);
});

Deno.test("finish() leaves the verdict of another program", async () => {
  await using fixture = await RedisFixture.open();
  const run = await fixture.started("a");
  await fixture.server.call("HSET", fixture.keys.job("a"), "status", "finished", "result", "theirs");
  assertEquals((await fixture.queue.finish(ended(run, failed))).type, "FINAL");
  const { status, result } = await fixture.job("a");
  assertEquals([status, result], ["finished", "theirs"]);
  assert(Number(await fixture.server.call("PTTL", fixture.keys.job("a"))) > 0);
  assertEquals(await fixture.queue.owned(), []);
  assertEquals((await fixture.events()).at(-1), "finish");
});

Deno.test("finish() of an attempt that was taken away is fenced, and leaves the newer one alone", async () => {
  await using fixture = await RedisFixture.open();
  const old = await fixture.started("a");
  await fixture.server.call("HSET", fixture.keys.meta("a"), "token", "2.n1", "attempt", 2);
  await fixture.server.call("HSET", fixture.keys.attempts("r", "i"), "a", "2.n1");
  assertEquals((await fixture.queue.finish(ended(old))).type, "FENCED");
  assertEquals(await fixture.queue.owned(), [{ id: "a", token: "2.n1" }]);
  assertEquals((await fixture.job("a")).status, "started");
  await fixture.server.call("HSET", fixture.keys.attempts("r", "i"), "a", old.token);
  assertEquals((await fixture.queue.finish(ended(old))).type, "FENCED");
  assertEquals(await fixture.queue.owned(), []);
});

Deno.test("finish() delays a job for its next attempt, which has a higher number", async () => {
  await using fixture = await RedisFixture.open();
  const run = await fixture.started("a");
  assertEquals((await fixture.queue.finish(ended(run, { ...failed, retryDelayMs: 0 }))).type, "RETRY");
  assertEquals((await fixture.queue.finish(ended(run, { ...failed, retryDelayMs: 0 }))).type, "RETRY", "told twice");
  const { status, error } = await fixture.job("a");
  assertEquals([status, error], ["dispatched", ""]);
  assertEquals((await fixture.meta("a")).last_error, "exited with code 1");
  assertEquals(await fixture.queue.promote("a"), "PROMOTED");
  await fixture.queue.claim(1);
  const next = await fixture.queue.start("a");
  assert(next.type === "OK" && next.attempt === 2);
  assertEquals((await fixture.queue.finish(ended({ id: "a", token: next.token }))).type, "OK");
});

Deno.test("finish() returns MISSING when Redis lost the job or its metadata", async () => {
  await using fixture = await RedisFixture.open();
  const run = await fixture.started("a");
  await fixture.server.call("DEL", fixture.keys.job("a"));
  assertEquals((await fixture.queue.finish(ended(run))).type, "MISSING");
  const other = await fixture.started("b");
  await fixture.server.call("DEL", fixture.keys.meta("b"));
  assertEquals((await fixture.queue.finish(ended(other))).type, "MISSING");
});

Deno.test("release() gives claims back in their order, next to run", async () => {
  await using fixture = await RedisFixture.open();
  for (const id of ["a", "b", "c"]) await fixture.submit(id);
  await fixture.queue.claim(1);
  await fixture.queue.claim(1);
  const claims = await fixture.queue.claimed();
  assertEquals(claims, [raw("a"), raw("b")]);
  for (const id of claims.toReversed()) assertEquals(await fixture.queue.release(id), true);
  assertEquals(await fixture.queue.release(raw("a")), false);
  assertEquals(await fixture.list(fixture.keys.queue("r")), ["c", "b", "a"]);
});

Deno.test("deadLetter() puts any bytes aside and keeps the newest thousand", async () => {
  await using fixture = await RedisFixture.open();
  const { server, queue, keys } = fixture;
  const bytes = new Uint8Array([0xff, 0xfe, 0x41]);
  await server.call("LPUSH", keys.queue("r"), bytes);
  assertEquals(await queue.claim(1), [{ raw: bytes, reply: null }]);
  assertEquals(await queue.claimed(), [bytes]);
  const from = await fixture.now();
  assertEquals(await queue.deadLetter(bytes, "the id is\nnot UTF-8"), true);
  assertEquals(await queue.deadLetter(bytes, "again"), false);
  assertEquals(await queue.claimed(), []);
  const [{ reason, ms }] = await fixture.store.deadLetters(5);
  assertEquals(reason, "the id is not UTF-8");
  assert(from <= ms && ms <= await fixture.now());
  await server.call("EVAL", "for i=1,1200 do redis.call('ZADD',KEYS[1],ARGV[1]-i,'old\\n'..i) end", 1, keys.dead(), ms);
  await fixture.claimed("x\ny");
  await queue.deadLetter(raw("x\ny"), "odd");
  assertEquals(await server.call("ZCARD", keys.dead()), 1_000);
  assertEquals((await fixture.store.deadLetters(1)).map(({ id, reason }) => [id, reason]), [["x\ny", "odd"]]);
});

Deno.test("an id that became a dead letter is forgotten after a day, also while others come", async () => {
  await using fixture = await RedisFixture.open();
  const { server, store, queue, keys } = fixture;
  const day = 86_400_000;
  const now = await store.time();
  await server.call("ZADD", keys.dead(), now - day - 1, "odd\nold");
  assertEquals(await store.deadLetters(5), []);
  await fixture.claimed("new");
  await queue.deadLetter(raw("new"), "odd");
  assertEquals(await server.call("ZRANGE", keys.dead(), 0, -1), ["odd\nnew"]);
  const ttl = Number(await server.call("PTTL", keys.dead()));
  assert(ttl > 0 && ttl <= day, String(ttl));
});

Deno.test("reroute() moves a job to its runner once, and ends it the second time", async () => {
  await using fixture = await RedisFixture.open();
  const { server, queue, keys } = fixture;
  const claim = async () => {
    await server.call("LPUSH", keys.queue("r"), "a");
    await queue.claim(1);
  };
  await server.call("HSET", keys.job("a"), "runner", "q");
  await claim();
  assertEquals(await queue.reroute("a", "q"), "OK");
  assertEquals(await queue.reroute("a", "q"), "GONE");
  assertEquals(await fixture.list(keys.queue("q")), ["a"]);
  assertEquals((await fixture.store.queues()).map(({ runner }) => runner).toSorted(), ["q", "r"]);
  await claim();
  assertEquals(await queue.reroute("a", "q"), "AGAIN");
  assertEquals((await fixture.job("a")).error, 'not started: it names runner "q" and came to runner "r" twice');
  assertEquals(await queue.claimed(), []);
  await claim();
  assertEquals(await queue.reroute("a", "q"), "GONE");
  assertEquals(await queue.claimed(), []);
});

Deno.test("convert() swaps a JSON string for a hash unless it was changed", async () => {
  await using fixture = await RedisFixture.open();
  const { server, queue, keys } = fixture;
  await server.call("SET", keys.job("a"), "{}");
  assertEquals(await queue.convert("a", "[]", { payload: "x" }), "CHANGED");
  assertEquals(await queue.convert("a", "{}", { payload: "x", timeout: "3" }), "OK");
  assertEquals(await fixture.job("a"), { payload: "x", timeout: "3" });
  assertEquals(await fixture.meta("a"), { raw: "{}" });
  assertEquals(await queue.convert("a", "{}", { payload: "y" }), "CHANGED");
});

Deno.test("appendOutput() brings nothing back of a job that has ended, or gone to another attempt", async () => {
  await using fixture = await RedisFixture.open();
  const { queue, server, keys } = fixture;
  const run = await fixture.started("a");
  await queue.appendOutput(run, 0, raw("out"));
  const left = async () => Number(await server.call("PTTL", keys.output("a")));
  const from = await fixture.now();
  await queue.finish(ended(run));
  await queue.appendOutput(run, 3, raw("late"));
  assertEquals((await fixture.store.output("a", "")).length, 1);
  assert(await left() >= 60_000 - (await fixture.now() - from));
  // its output was evicted, or the job ended with none, as a peer ends it
  await server.call("DEL", keys.output("a"));
  await queue.appendOutput(run, 3, raw("late"));
  assertEquals(await server.call("EXISTS", keys.output("a")), 0);
  const lost = await fixture.started("b");
  await server.call("HSET", keys.meta("b"), "token", "0");
  await queue.appendOutput(lost, 0, raw("late"));
  await server.call("DEL", keys.job("b"), keys.meta("b"));
  await queue.appendOutput(lost, 0, raw("late"));
  assertEquals(await server.call("EXISTS", keys.output("b")), 0);
});

Deno.test("appendOutput() keeps the newest pieces, cut to size, until the job goes", async () => {
  await using fixture = await RedisFixture.open();
  const run = await fixture.started("a");
  await fixture.queue.appendOutput(run, 7, new Uint8Array(40_000).fill(1));
  const pieces = await fixture.store.output("a", "");
  assertEquals(pieces.map(({ attempt, offset, bytes }) => [attempt, offset, bytes.length]), [
    [1, 7, 16_384],
    [1, 16_391, 16_384],
    [1, 32_775, 7_232],
  ]);
  assertEquals((await fixture.store.output("a", pieces[1].cursor)).length, 1);
  assertEquals(await fixture.store.output("a", pieces[2].cursor), []);
  assertEquals(await fixture.store.output("none", ""), []);
  const large = new Uint8Array(16_384);
  for (let i = 0; i < 300; i += 100) {
    await Promise.all(Array.from({ length: 100 }, (_, k) => fixture.queue.appendOutput(run, 50_000 + i + k, large)));
  }
  const kept = Number(await fixture.server.call("XLEN", fixture.keys.output("a")));
  assert(kept >= 256 && kept < 280, String(kept));
});

Deno.test("peek() reads the executor of a job, whatever its key holds", async () => {
  await using fixture = await RedisFixture.open();
  await fixture.submit("a", { executor: "tmux.x" });
  await fixture.server.call("SET", fixture.keys.job("b"), "x");
  assertEquals(await Promise.all(["a", "b", "c"].map((id) => fixture.queue.peek(id))), ["tmux.x", null, null]);
});

Deno.test("finish() works at the memory limit of Redis, submit() says so", async () => {
  await using fixture = await RedisFixture.open();
  const run = await fixture.started("a");
  const retried = await fixture.started("b");
  await fixture.claimed("c");
  await fixture.server.call("CONFIG", "SET", "maxmemory", 1);
  const error = await fixture.submit("d").catch((error) => error);
  assertEquals([error.name, error.condition, error.code], ["UnavailableError", "full", "OOM"]);
  assertStringIncludes(error.message, "at its memory limit (OOM): raise maxmemory");
  assertEquals(await fixture.server.call("EXISTS", fixture.keys.job("d")), 0);
  const heartbeat = await fixture.queue.heartbeat([run, retried], "up");
  assertEquals(heartbeat.type, "OK");
  assertEquals((await fixture.queue.start("c")).type, "OK");
  assertEquals((await fixture.store.cancel("c", "")).type, "REQUESTED");
  const refused = await fixture.queue.appendOutput(run, 0, raw("out")).catch((error) => error);
  assertEquals(refused.condition, "full");
  assertEquals((await fixture.queue.finish(ended(run))).type, "OK");
  assertEquals((await fixture.queue.finish(ended(retried, { ...failed, retryDelayMs: 0 }))).type, "RETRY");
  assertEquals(await fixture.queue.promote("b"), "PROMOTED");
  assertEquals((await fixture.queue.register(INFO)).type, "OK");
  await fixture.server.call("CONFIG", "SET", "maxmemory", 0);
  assertEquals(await fixture.submit("d"), "OK");
});
