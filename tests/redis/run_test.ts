import type { Claimed } from "../../src/ports/queue.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "../support/assert.ts";
import { ended, INFO, raw, Stage } from "./stage.ts";

const failed = { state: "error", result: "", error: "exited with code 1", exitCode: 1 } as const;

Deno.test("start() makes the instance the owner of a new attempt in one step", async () => {
  await using stage = await Stage.open();
  const { type, token, attempt, job, side } = await stage.started("a", { title: "t", labels: { k: "v" }, retries: 2 });
  assertEquals([type, attempt], ["OK", 1]);
  assertMatch(token, /^1\.n1[0-9a-f]+$/);
  assertEquals([job.payload, job.status, side.title, side["label:k"], side.retry_max], [
    "true",
    "started",
    "t",
    "v",
    "2",
  ]);
  assertEquals((await stage.job("a")).status, "started");
  assertEquals(await stage.queue.owned(), [{ id: "a", token }]);
  assertEquals(await stage.queue.claimed(), []);
  const { inst, nonce, runner, started_ms } = await stage.side("a");
  assertEquals([inst, nonce, runner], ["i", "n1", "r"]);
  assert(Math.abs(Number(started_ms) - await stage.store.time()) < 5_000);
});

Deno.test("start() answers HELD for an attempt that the instance owns already", async () => {
  await using stage = await Stage.open();
  const run = await stage.started("a");
  const again = await stage.queue.start("a");
  assertEquals([again.type, (again as typeof run).token, (again as typeof run).attempt], ["HELD", run.token, 1]);
  await stage.server.call("LPUSH", stage.keys.queue("r"), "a");
  await stage.queue.claim(1);
  assertEquals((await stage.queue.start("a")).type, "HELD");
  assertEquals(await stage.queue.claimed(), []);
  // the next process of the instance gets it too: the one before may have died before it launched it
  const next = stage.runner({ nonce: "n2" });
  await next.register(INFO, { proof: ["n1"] });
  assertEquals((await next.start("a") as typeof run).token, run.token);
});

Deno.test("start() drops the claim of a job that has ended or runs elsewhere", async () => {
  await using stage = await Stage.open();
  for (const [status, reply] of [["finished", "TERMINAL"], ["error", "TERMINAL"], ["started", "DUP"]]) {
    await stage.claimed(status);
    await stage.server.call("HSET", stage.keys.job(status), "status", status);
    assertEquals((await stage.queue.start(status)).type, reply);
    assertEquals(await stage.queue.claimed(), []);
    assertEquals((await stage.job(status)).status, status);
  }
});

for (const where of ["another instance", "another runner"]) {
  for (const step of ["start", "claim"]) {
    Deno.test(`${step}() begins no second attempt of a job that ${where} runs, whatever a foreign program wrote back`, async () => {
      await using stage = await Stage.open();
      const { server, keys } = stage;
      const run = await stage.started("a");
      const read = await server.call("HGETALL", keys.job("a")) as string[];
      const [runner, instance] = where === "another runner" ? ["r2", "i"] : ["r", "i2"];
      const other = stage.runner({ runner, instance, nonce: "n2" });
      await other.register(INFO);
      const again = async () => {
        await server.call("HSET", keys.job("a"), ...read, "status", "dispatched", "runner", runner);
        await server.call("LPUSH", keys.queue(runner), "a");
        if (step === "start") await other.claim(1);
        return step === "start" ? await other.start("a") : (await other.claim(1, ["tmux.main"]) as Claimed[])[0].reply;
      };
      assertEquals(await again(), { type: "DUP" });
      assertEquals([(await stage.job("a")).status, (await stage.side("a")).token], ["started", run.token]);
      assertEquals([await other.owned(), await other.claimed()], [[], []]);
      // what its host does not hold any more may begin
      await server.call("HDEL", keys.run("r", "i"), "a");
      assertEquals((await again())?.type, "OK");
    });
  }
}

Deno.test("start() leaves a job alone of which our own record is foreign", async () => {
  await using stage = await Stage.open();
  await stage.claimed("a");
  await stage.server.call("SET", stage.keys.side("a"), "x");
  assertEquals(await stage.queue.start("a"), { type: "BADTYPE", redisType: "string" });
});

Deno.test("start() leaves the claim of what it cannot judge", async () => {
  await using stage = await Stage.open();
  const { server, queue, keys } = stage;
  for (const id of ["missing", "json", "set", "word", "other"]) await stage.claimed(id);
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
  await using stage = await Stage.open();
  await stage.claimed("a");
  const stranger = stage.runner({ nonce: "n0" });
  assertEquals(await stranger.start("a"), { type: "FENCED" });
  assertEquals(await stranger.release(raw("a")), false);
  assertEquals((await stage.queue.claimed()).length, 1);
});

Deno.test("start() ends a job that was cancelled before, and one that is too large", async () => {
  await using stage = await Stage.open();
  const { server, keys } = stage;
  await stage.claimed("a");
  await server.call("HSET", keys.side("a"), "cancel", "no");
  assertEquals(await stage.queue.start("a"), { type: "CANCELLED" });
  assertEquals((await stage.job("a")).error, "cancelled: no");
  for (const field of ["payload", "env_vars"]) {
    await stage.claimed(field);
    await server.call("HSET", keys.job(field), field, new Uint8Array((16 << 20) + 1).fill(97));
    assertEquals(await stage.queue.start(field), { type: "TOOBIG" });
    const error = await server.call("HGET", keys.job(field), "error");
    assertEquals(error, `not started: its ${field} has 16777217 bytes, more than 16777216`);
    await server.call("DEL", keys.job(field));
  }
  assertEquals(await stage.queue.claimed(), []);
});

Deno.test("start() ends a job whose other fields, or bookkeeping, are too large, and sends none of it", async () => {
  await using stage = await Stage.open();
  const { server, keys, queue } = stage;
  const large = new Uint8Array(8 << 20).fill(97);
  const before = await server.call("INFO", "stats");
  for (
    const [kind, field] of [["job", "caller_id"], ["job", "result"], ["job", "executor"], ["side", "title"]] as const
  ) {
    await stage.claimed(field);
    await server.call("HSET", kind === "job" ? keys.job(field) : keys.side(field), field, large);
    assertEquals(await queue.start(field), { type: "TOOBIG" });
    assertMatch(
      String(await server.call("HGET", keys.job(field), "error")),
      /^not started: its fields and labels, without payload and environment, have 83\d+ bytes, more than 1048576$/,
    );
    await server.call("DEL", keys.job(field), keys.side(field));
  }
  for (const [field, type] of [["status", "BADSTATUS"], ["runner", "OTHER"]]) {
    await stage.claimed(field);
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

Deno.test("bury() keeps no more than the beginning of an id that is far too long", async () => {
  await using stage = await Stage.open();
  const id = "i".repeat(1 << 20);
  await stage.server.call("LPUSH", stage.keys.queue("r"), id);
  await stage.queue.claim(1);
  assertEquals(await stage.queue.bury(raw(id), "the id is long"), true);
  assertEquals((await stage.store.buried(1))[0].id, "i".repeat(1000));
  assertEquals((await stage.store.newestEvents(1))[0].id, "i".repeat(1000));
});

Deno.test("start() runs a payload of 16 MiB and keeps every character of it", async () => {
  await using stage = await Stage.open();
  const payload = "\ufeff\u0000ä".padEnd((16 << 20) - 5, "x");
  await stage.server.call("HSET", stage.keys.job("a"), "payload", payload);
  await stage.server.call("LPUSH", stage.keys.queue("r"), "a");
  await stage.queue.claim(1);
  const reply = await stage.queue.start("a");
  assert(reply.type === "OK" && reply.job.payload === payload);
});

Deno.test("start() makes an ended job stay that a foreign program queued again", async () => {
  await using stage = await Stage.open();
  const run = await stage.started("a");
  await stage.queue.appendOutput(run, 0, raw("out"));
  await stage.queue.finish(ended(run));
  await stage.server.call("HSET", stage.keys.job("a"), "status", "dispatched");
  await stage.server.call("LPUSH", stage.keys.queue("r"), "a");
  await stage.queue.claim(1);
  const again = await stage.queue.start("a");
  assert(again.type === "OK" && again.attempt === 2 && again.side.exit === undefined);
  for (const key of [stage.keys.job("a"), stage.keys.side("a"), stage.keys.output("a")]) {
    assertEquals(await stage.server.call("PTTL", key), -1, key);
  }
});

Deno.test("finish() writes the end once and keeps the job as long as asked", async () => {
  await using stage = await Stage.open();
  const run = await stage.started("a");
  await stage.queue.appendOutput(run, 0, raw("out"));
  assertEquals((await stage.queue.finish(ended(run, { ms: 4.6 }))).type, "OK");
  const { status, result, error } = await stage.job("a");
  assertEquals([status, result, error], ["finished", "out", ""]);
  const { exit, output_bytes, ms, done, ended_ms } = await stage.side("a");
  assertEquals([exit, output_bytes, ms, done], ["0", "3", "5", run.token]);
  assert(Number(ended_ms) > 0);
  for (const key of [stage.keys.job("a"), stage.keys.side("a"), stage.keys.output("a")]) {
    const left = Number(await stage.server.call("PTTL", key));
    assert(left > 50_000 && left <= 60_000, key);
  }
  const before = await stage.server.digest();
  assertEquals((await stage.queue.finish(ended(run, failed))).type, "ALREADY");
  assertEquals(await stage.server.digest(), before);
  await stage.server.call("HSET", stage.keys.run("r", "i"), "a", run.token);
  assertEquals((await stage.queue.finish(ended(run))).type, "ALREADY");
  assertEquals(await stage.queue.owned(), []);
});

Deno.test("finish() with keep 0 keeps the job for ever", async () => {
  await using stage = await Stage.open();
  await stage.queue.finish(ended(await stage.started("a"), { keep: 0 }));
  assertEquals(await stage.server.call("PTTL", stage.keys.job("a")), -1);
  assertEquals(await stage.server.call("PTTL", stage.keys.side("a")), -1);
});

Deno.test("finish() leaves the verdict of another program", async () => {
  await using stage = await Stage.open();
  const run = await stage.started("a");
  await stage.server.call("HSET", stage.keys.job("a"), "status", "finished", "result", "theirs");
  assertEquals((await stage.queue.finish(ended(run, failed))).type, "TERMINAL");
  const { status, result } = await stage.job("a");
  assertEquals([status, result], ["finished", "theirs"]);
  assert(Number(await stage.server.call("PTTL", stage.keys.job("a"))) > 0);
  assertEquals(await stage.queue.owned(), []);
  assertEquals((await stage.events()).at(-1), "finish");
});

Deno.test("finish() of an attempt that was taken away is fenced, and leaves the newer one alone", async () => {
  await using stage = await Stage.open();
  const old = await stage.started("a");
  await stage.server.call("HSET", stage.keys.side("a"), "token", "2.n1", "attempt", 2);
  await stage.server.call("HSET", stage.keys.run("r", "i"), "a", "2.n1");
  assertEquals((await stage.queue.finish(ended(old))).type, "FENCED");
  assertEquals(await stage.queue.owned(), [{ id: "a", token: "2.n1" }]);
  assertEquals((await stage.job("a")).status, "started");
  await stage.server.call("HSET", stage.keys.run("r", "i"), "a", old.token);
  assertEquals((await stage.queue.finish(ended(old))).type, "FENCED");
  assertEquals(await stage.queue.owned(), []);
});

Deno.test("finish() delays a job for its next attempt, which has a higher number", async () => {
  await using stage = await Stage.open();
  const run = await stage.started("a");
  assertEquals((await stage.queue.finish(ended(run, { ...failed, retryDelayMs: 0 }))).type, "RETRY");
  assertEquals((await stage.queue.finish(ended(run, { ...failed, retryDelayMs: 0 }))).type, "RETRY", "told twice");
  const { status, error } = await stage.job("a");
  assertEquals([status, error], ["dispatched", ""]);
  assertEquals((await stage.side("a")).last_error, "exited with code 1");
  assertEquals(await stage.queue.promote("a"), "PROMOTED");
  await stage.queue.claim(1);
  const next = await stage.queue.start("a");
  assert(next.type === "OK" && next.attempt === 2);
  assertEquals((await stage.queue.finish(ended({ id: "a", token: next.token }))).type, "OK");
});

Deno.test("finish() answers MISSING when Redis lost the job or what we know of it", async () => {
  await using stage = await Stage.open();
  const run = await stage.started("a");
  await stage.server.call("DEL", stage.keys.job("a"));
  assertEquals((await stage.queue.finish(ended(run))).type, "MISSING");
  const other = await stage.started("b");
  await stage.server.call("DEL", stage.keys.side("b"));
  assertEquals((await stage.queue.finish(ended(other))).type, "MISSING");
});

Deno.test("release() gives claims back in their order, next to run", async () => {
  await using stage = await Stage.open();
  for (const id of ["a", "b", "c"]) await stage.submit(id);
  await stage.queue.claim(1);
  await stage.queue.claim(1);
  const claims = await stage.queue.claimed();
  assertEquals(claims, [raw("a"), raw("b")]);
  for (const id of claims.toReversed()) assertEquals(await stage.queue.release(id), true);
  assertEquals(await stage.queue.release(raw("a")), false);
  assertEquals(await stage.list(stage.keys.queue("r")), ["c", "b", "a"]);
});

Deno.test("bury() puts any bytes aside and keeps the newest thousand", async () => {
  await using stage = await Stage.open();
  const { server, queue, keys } = stage;
  const bytes = new Uint8Array([0xff, 0xfe, 0x41]);
  await server.call("LPUSH", keys.queue("r"), bytes);
  assertEquals(await queue.claim(1), [{ raw: bytes, reply: null }]);
  assertEquals(await queue.claimed(), [bytes]);
  assertEquals(await queue.bury(bytes, "the id is\nnot UTF-8"), true);
  assertEquals(await queue.bury(bytes, "again"), false);
  assertEquals(await queue.claimed(), []);
  const [{ reason, ms }] = await stage.store.buried(5);
  assertEquals(reason, "the id is not UTF-8");
  assert(Math.abs(ms - await stage.store.time()) < 5_000);
  await server.call("EVAL", "for i=1,1200 do redis.call('ZADD',KEYS[1],ARGV[1]-i,'old\\n'..i) end", 1, keys.dead(), ms);
  await stage.claimed("x\ny");
  await queue.bury(raw("x\ny"), "odd");
  assertEquals(await server.call("ZCARD", keys.dead()), 1_000);
  assertEquals((await stage.store.buried(1)).map(({ id, reason }) => [id, reason]), [["x\ny", "odd"]]);
});

Deno.test("an id that was put aside is forgotten after a day, also while others come", async () => {
  await using stage = await Stage.open();
  const { server, store, queue, keys } = stage;
  const day = 86_400_000;
  const now = await store.time();
  await server.call("ZADD", keys.dead(), now - day - 1, "odd\nold");
  assertEquals(await store.buried(5), []);
  await stage.claimed("new");
  await queue.bury(raw("new"), "odd");
  assertEquals(await server.call("ZRANGE", keys.dead(), 0, -1), ["odd\nnew"]);
  const ttl = Number(await server.call("PTTL", keys.dead()));
  assert(ttl > 0 && ttl <= day, String(ttl));
});

Deno.test("reroute() moves a job to its runner once, and ends it the second time", async () => {
  await using stage = await Stage.open();
  const { server, queue, keys } = stage;
  const claim = async () => {
    await server.call("LPUSH", keys.queue("r"), "a");
    await queue.claim(1);
  };
  await server.call("HSET", keys.job("a"), "runner", "q");
  await claim();
  assertEquals(await queue.reroute("a", "q"), "OK");
  assertEquals(await queue.reroute("a", "q"), "GONE");
  assertEquals(await stage.list(keys.queue("q")), ["a"]);
  assertEquals((await stage.store.queues()).map(({ runner }) => runner).toSorted(), ["q", "r"]);
  await claim();
  assertEquals(await queue.reroute("a", "q"), "AGAIN");
  assertEquals((await stage.job("a")).error, 'not started: it names runner "q" and came to runner "r" twice');
  assertEquals(await queue.claimed(), []);
  await claim();
  assertEquals(await queue.reroute("a", "q"), "GONE");
  assertEquals(await queue.claimed(), []);
});

Deno.test("convert() swaps a JSON string for a hash unless it was changed", async () => {
  await using stage = await Stage.open();
  const { server, queue, keys } = stage;
  await server.call("SET", keys.job("a"), "{}");
  assertEquals(await queue.convert("a", "[]", { payload: "x" }), "CHANGED");
  assertEquals(await queue.convert("a", "{}", { payload: "x", timeout: "3" }), "OK");
  assertEquals(await stage.job("a"), { payload: "x", timeout: "3" });
  assertEquals(await stage.side("a"), { raw: "{}" });
  assertEquals(await queue.convert("a", "{}", { payload: "y" }), "CHANGED");
});

Deno.test("appendOutput() brings nothing back of a job that has ended, or gone to another attempt", async () => {
  await using stage = await Stage.open();
  const { queue, server, keys } = stage;
  const run = await stage.started("a");
  await queue.appendOutput(run, 0, raw("out"));
  const left = async () => Number(await server.call("PTTL", keys.output("a")));
  await queue.finish(ended(run));
  await queue.appendOutput(run, 3, raw("late"));
  assertEquals((await stage.store.output("a", "")).length, 1);
  assert(await left() > 50_000);
  // its output was evicted, or the job ended with none, as a peer ends it
  await server.call("DEL", keys.output("a"));
  await queue.appendOutput(run, 3, raw("late"));
  assertEquals(await server.call("EXISTS", keys.output("a")), 0);
  const lost = await stage.started("b");
  await server.call("HSET", keys.side("b"), "token", "0");
  await queue.appendOutput(lost, 0, raw("late"));
  await server.call("DEL", keys.job("b"), keys.side("b"));
  await queue.appendOutput(lost, 0, raw("late"));
  assertEquals(await server.call("EXISTS", keys.output("b")), 0);
});

Deno.test("appendOutput() keeps the newest pieces, cut to size, until the job goes", async () => {
  await using stage = await Stage.open();
  const run = await stage.started("a");
  await stage.queue.appendOutput(run, 7, new Uint8Array(40_000).fill(1));
  const pieces = await stage.store.output("a", "");
  assertEquals(pieces.map(({ attempt, offset, bytes }) => [attempt, offset, bytes.length]), [
    [1, 7, 16_384],
    [1, 16_391, 16_384],
    [1, 32_775, 7_232],
  ]);
  assertEquals((await stage.store.output("a", pieces[1].cursor)).length, 1);
  assertEquals(await stage.store.output("a", pieces[2].cursor), []);
  assertEquals(await stage.store.output("none", ""), []);
  const large = new Uint8Array(16_384);
  for (let i = 0; i < 300; i += 100) {
    await Promise.all(Array.from({ length: 100 }, (_, k) => stage.queue.appendOutput(run, 50_000 + i + k, large)));
  }
  const kept = Number(await stage.server.call("XLEN", stage.keys.output("a")));
  assert(kept >= 256 && kept < 280, String(kept));
});

Deno.test("peek() reads the executor of a job, whatever its key holds", async () => {
  await using stage = await Stage.open();
  await stage.submit("a", { executor: "tmux.x" });
  await stage.server.call("SET", stage.keys.job("b"), "x");
  assertEquals(await Promise.all(["a", "b", "c"].map((id) => stage.queue.peek(id))), ["tmux.x", null, null]);
});

Deno.test("finish() works at the memory limit of Redis, submit() says so", async () => {
  await using stage = await Stage.open();
  const run = await stage.started("a");
  const retried = await stage.started("b");
  await stage.claimed("c");
  await stage.server.call("CONFIG", "SET", "maxmemory", 1);
  const error = await stage.submit("d").catch((error) => error);
  assertEquals([error.name, error.condition, error.code], ["UnavailableError", "full", "OOM"]);
  assertStringIncludes(error.message, "at its memory limit (OOM): raise maxmemory");
  assertEquals(await stage.server.call("EXISTS", stage.keys.job("d")), 0);
  const beat = await stage.queue.beat([run, retried], "up");
  assertEquals(beat.type, "OK");
  assertEquals((await stage.queue.start("c")).type, "OK");
  assertEquals((await stage.store.cancel("c", "")).type, "REQUESTED");
  const refused = await stage.queue.appendOutput(run, 0, raw("out")).catch((error) => error);
  assertEquals(refused.condition, "full");
  assertEquals((await stage.queue.finish(ended(run))).type, "OK");
  assertEquals((await stage.queue.finish(ended(retried, { ...failed, retryDelayMs: 0 }))).type, "RETRY");
  assertEquals(await stage.queue.promote("b"), "PROMOTED");
  assertEquals((await stage.queue.register(INFO)).type, "OK");
  await stage.server.call("CONFIG", "SET", "maxmemory", 0);
  assertEquals(await stage.submit("d"), "OK");
});
