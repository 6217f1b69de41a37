import { assertEquals, assertStringIncludes } from "../support/assert.ts";
import { assertClean } from "../support/audit.ts";
import { ExecutionLog } from "../support/execution_log.ts";
import { Barrier, pause } from "../support/barrier.ts";
import { Proxy } from "../support/proxy.ts";
import { RawClient } from "../support/redis_server.ts";
import { until } from "../support/until.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";

const FAST = ["--heartbeat", "200ms", "--lease", "3s"];

Deno.test("21 a Redis that becomes a replica for a while: nothing is lost, and work goes on when it is a master again", async () => {
  await using fixture = await RunnerFixture.create({ persistence: "aof-always" });
  const log = new ExecutionLog(fixture.dir);
  const barrier = new Barrier(fixture.dir);
  const runner = await fixture.runner({ args: FAST });
  const ids = [await fixture.push({ payload: `${log.line}; ${barrier.wait}; echo kept` })];
  await until("it runs", () => log.ran(ids[0]));
  await fixture.redis.call("REPLICAOF", "127.0.0.1", 1);
  await barrier.open();
  await runner.says("end not acknowledged yet");
  await fixture.redis.call("REPLICAOF", "NO", "ONE");
  assertEquals((await fixture.ended(ids[0])).result, "kept\n");
  ids.push(await fixture.push({ payload: log.line }));
  await fixture.ended(ids[1]);
  assertEquals(runner.code, null);
  await assertClean(fixture, { ids, log });
});

Deno.test("22 a path that is stalled: the runner notices, and nothing is sent twice or lost when it is back", async () => {
  await using fixture = await RunnerFixture.create();
  await using proxy = Proxy.start(fixture.redis.port);
  const log = new ExecutionLog(fixture.dir);
  const barrier = new Barrier(fixture.dir);
  await fixture.runner({ args: FAST, env: { REDIS_URL: proxy.address } });
  const ids = [await fixture.push({ payload: `${log.line}; ${barrier.wait}; echo kept` })];
  await until("it runs", () => log.ran(ids[0]));
  const connections = proxy.accepted;
  proxy.stall();
  const begun = performance.now();
  await barrier.open();
  for (let i = 0; i < 5; i++) ids.push(await fixture.push({ payload: log.line }));
  await until("it tries a new connection", () => proxy.accepted > connections);
  const noticed = performance.now() - begun;
  console.log(`      a stalled path is noticed after ${noticed.toFixed(0)} ms`);
  await until("it goes on trying", () => proxy.accepted > connections + 2);
  proxy.pass();
  await assertClean(fixture, { ids, log });
});

Deno.test("22 a half-open path of an idle runner is noticed, though nothing is sent", async () => {
  await using fixture = await RunnerFixture.create();
  await using proxy = Proxy.start(fixture.redis.port);
  await fixture.runner({ env: { REDIS_URL: proxy.address } });
  const connections = proxy.accepted;
  proxy.stall();
  const begun = performance.now();
  await until("it tries a new connection", () => proxy.accepted > connections);
  const noticed = performance.now() - begun;
  console.log(`      a half-open path of an idle runner is noticed after ${noticed.toFixed(0)} ms`);
});

Deno.test("23 a reply that is lost at any place of a job's life changes nothing", async () => {
  await using fixture = await RunnerFixture.create();
  await using proxy = Proxy.start(fixture.redis.port);
  const log = new ExecutionLog(fixture.dir);
  await fixture.runner({ args: FAST, env: { REDIS_URL: proxy.address } });
  const ids: string[] = [];
  for (let nth = 1; nth <= 12; nth++) {
    const done = proxy.cutReply({ nth, after: nth % 3 });
    ids.push(await fixture.push({ payload: `${log.line}; exit ${nth}` }));
    await done;
    assertEquals((await fixture.ended(ids[nth - 1])).error, `exited with code ${nth}`);
  }
  await assertClean(fixture, { ids, log });
});

Deno.test("23 a reply about many jobs that is lost: those that Redis has started are launched at once, not at the next heartbeat", async () => {
  await using fixture = await RunnerFixture.create();
  await using proxy = Proxy.start(fixture.redis.port);
  const log = new ExecutionLog(fixture.dir);
  const patient = ["--heartbeat", "60s", "--lease", "200s", "--concurrency", "4"];
  await fixture.runner({ args: patient, env: { REDIS_URL: proxy.address } });
  const ids: string[] = [];
  for (let nth = 1; nth <= 8; nth++) {
    const done = proxy.cutReply({ nth, command: "EVALSHA", after: nth % 3 });
    const some = await Promise.all(Array.from({ length: 16 }, () => fixture.push({ payload: log.line })));
    await done;
    for (const id of some) await fixture.ended(id);
    ids.push(...some);
  }
  await assertClean(fixture, { ids, log });
});

Deno.test("24 a job that a lost wait has taken is found in the runner's own claims", async () => {
  await using fixture = await RunnerFixture.create();
  await using proxy = Proxy.start(fixture.redis.port);
  const log = new ExecutionLog(fixture.dir);
  await fixture.runner({ args: [...FAST, "--concurrency", "1"], env: { REDIS_URL: proxy.address } });
  // Redis replies to the wait, and the reply is lost
  const done = proxy.cutReply({ nth: 1, command: "BLMOVE" });
  const ids = [await fixture.push({ payload: log.line })];
  await done;
  await fixture.ended(ids[0]);
  // Redis does not even notice that the waiting one is gone
  const waiting = async () => /^blocked_clients:1/m.test(String(await fixture.redis.call("INFO", "clients")));
  await until("the runner waits", waiting);
  proxy.stall();
  ids.push(await fixture.push({ payload: log.line }));
  await until("the ghost has it", async () => await fixture.redis.call("LLEN", `runner:${fixture.name}`) === 0);
  proxy.cut();
  proxy.pass();
  await assertClean(fixture, { ids, log });
});

Deno.test("25 a Redis that is frozen for longer than the lease: jobs go on, and all ends come when it thaws", async () => {
  await using fixture = await RunnerFixture.create();
  const log = new ExecutionLog(fixture.dir);
  await fixture.runner({ args: FAST });
  const ids: string[] = [];
  for (let i = 0; i < 10; i++) ids.push(await fixture.push({ payload: `${log.line}; sleep 1; echo ${i}` }));
  await until("some run", async () => (await log.executions()).size >= 4);
  fixture.redis.freeze();
  await pause(4000); // longer than the lease of 3 s
  fixture.redis.thaw();
  for (const [i, id] of ids.entries()) assertEquals((await fixture.ended(id)).result, `${i}\n`);
  await assertClean(fixture, { ids, log });
});

Deno.test("20 a Redis that is busy with a script of another client is waited for, and the end of a job is reported after it", async () => {
  await using fixture = await RunnerFixture.create({ config: { "busy-reply-threshold": "100" } });
  const log = new ExecutionLog(fixture.dir);
  const barrier = new Barrier(fixture.dir);
  const runner = await fixture.runner({ args: FAST });
  const ids = [await fixture.push({ payload: `${log.line}; ${barrier.wait}; echo kept` })];
  await until("it runs", () => log.ran(ids[0]));
  await using busy = await RawClient.connect(fixture.redis.port);
  const endless = busy.call("EVAL", "while true do end", 0).catch((error) => String(error));
  await until(
    "it is busy",
    () => fixture.redis.call("GET", "x").then(() => false, (error) => /BUSY/.test(String(error))),
  );
  const refused = await fixture.run(["submit", "echo no"]);
  assertEquals([refused.code, refused.stdout], [69, ""]);
  assertStringIncludes(refused.stderr, "BUSY");
  await barrier.open();
  await runner.says("end not acknowledged yet");
  await fixture.redis.call("SCRIPT", "KILL");
  assertStringIncludes(String(await endless), "killed by user");
  assertEquals((await fixture.ended(ids[0])).result, "kept\n");
  ids.push(await fixture.push({ payload: log.line }));
  await assertClean(fixture, { ids, log });
  assertEquals(runner.code, null, runner.log);
});

Deno.test("26 a Redis at its memory limit: new jobs are refused, ends are reported, and it goes on when there is room", async () => {
  await using fixture = await RunnerFixture.create();
  const log = new ExecutionLog(fixture.dir);
  const barrier = new Barrier(fixture.dir);
  await fixture.runner({ args: FAST });
  const ids = [await fixture.push({ payload: `${log.line}; ${barrier.wait}; seq 1000` })];
  await until("it runs", () => log.ran(ids[0]));
  await fixture.redis.call("CONFIG", "SET", "maxmemory", "1mb");
  const refused = await fixture.run(["submit", "echo no"]);
  assertEquals([refused.code, refused.stdout], [69, ""]);
  assertStringIncludes(refused.stderr, "OOM");
  await barrier.open();
  assertEquals((await fixture.ended(ids[0])).status, "finished");
  await fixture.redis.call("CONFIG", "SET", "maxmemory", "0");
  ids.push(await fixture.push({ payload: log.line }));
  await assertClean(fixture, { ids, log });
});

Deno.test("27 a Redis that would throw jobs away is refused at the start, and one that might is warned of", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.redis.call("CONFIG", "SET", "maxmemory-policy", "allkeys-lru");
  const warned = await fixture.runner();
  await warned.says("allkeys-lru");
  await warned.stop();
  await fixture.redis.call("CONFIG", "SET", "maxmemory", "100mb");
  const refused = await fixture.runner({ ready: false });
  assertEquals(await refused.ended, 69);
  assertStringIncludes(refused.log, "maxmemory-policy noeviction");
});

Deno.test("28 a Redis that cannot save: the end of a job is reported when it can", async () => {
  await using fixture = await RunnerFixture.create({ config: { save: "3600 1000000" } });
  const log = new ExecutionLog(fixture.dir);
  const barrier = new Barrier(fixture.dir);
  const runner = await fixture.runner({ args: FAST });
  const ids = [await fixture.push({ payload: `${log.line}; ${barrier.wait}; echo kept` })];
  await until("it runs", () => log.ran(ids[0]));
  await fixture.redis.call("CONFIG", "SET", "rdbcompression", "no");
  const dir = `${fixture.redis.dir}/dump`;
  await Deno.mkdir(`${dir}.rdb`); // a folder in the place of the file: the save fails, also for root
  await Deno.writeTextFile(`${dir}.rdb/x`, "");
  await fixture.redis.call("BGSAVE");
  await until(
    "it cannot save",
    async () => String(await fixture.redis.call("INFO", "persistence")).includes("rdb_last_bgsave_status:err"),
  );
  const refused = await fixture.run(["submit", "echo no"]);
  assertEquals(refused.code, 69);
  assertStringIncludes(refused.stderr, "MISCONF");
  await barrier.open();
  await runner.says("end not acknowledged yet");
  assertEquals((await fixture.job(ids[0])).status, "started");
  await Deno.remove(`${dir}.rdb`, { recursive: true });
  await fixture.redis.call("BGSAVE");
  assertEquals((await fixture.ended(ids[0])).result, "kept\n");
  ids.push(await fixture.push({ payload: log.line }));
  await assertClean(fixture, { ids, log });
});

Deno.test("29 a wrong password and a missing right end the start with 78 and say whose", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.redis.call("ACL", "SETUSER", "alice", "on", ">right", "~*", "&*", "+@all", "-evalsha", "-eval");
  const url = (password: string) => ({ REDIS_URL: `redis://alice:${password}@${fixture.redis.address}` });
  const wrong = await fixture.runner({ env: url("wrong"), ready: false });
  assertEquals(await wrong.ended, 78, wrong.log);
  assertStringIncludes(wrong.log, "alice");
  assertEquals(wrong.log.includes("wrong@"), false);
  const without = await fixture.runner({ env: url("right"), ready: false });
  assertEquals(await without.ended, 78, without.log);
  assertStringIncludes(without.log, "alice");
});

Deno.test("29 a password that is changed: the runner lives on, and one with the new password reports what has ended", async () => {
  await using fixture = await RunnerFixture.create();
  const log = new ExecutionLog(fixture.dir);
  const barrier = new Barrier(fixture.dir);
  const user = (password: string) =>
    fixture.redis.call("ACL", "SETUSER", "alice", "on", "resetpass", `>${password}`, "~*", "&*", "+@all");
  const start = (password: string) =>
    fixture.runner({ args: FAST, env: { REDIS_URL: `redis://alice:${password}@${fixture.redis.address}` } });
  await user("first");
  const runner = await start("first");
  const ids = [await fixture.push({ payload: `${log.line}; ${barrier.wait}; echo kept` })];
  await until("it runs", () => log.ran(ids[0]));
  await user("second");
  await fixture.redis.call("CLIENT", "KILL", "USER", "alice");
  await runner.says("could not claim jobs");
  assertEquals(runner.code, null, runner.log);
  await user("first");
  ids.push(await fixture.push({ payload: log.line }));
  await fixture.ended(ids[1]); // set back, it goes on by itself
  await user("second");
  await fixture.redis.call("CLIENT", "KILL", "USER", "alice");
  await barrier.open();
  assertEquals(await runner.stop(), 0, runner.log);
  assertEquals((await fixture.job(ids[0])).status, "started");
  await start("second");
  assertEquals((await fixture.ended(ids[0])).result, "kept\n");
  await assertClean(fixture, { ids, log });
});
