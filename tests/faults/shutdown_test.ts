import { assert, assertEquals, assertStringIncludes } from "../support/assert.ts";
import { assertClean } from "../support/audit.ts";
import { ExecutionLog } from "../support/execution_log.ts";
import { Barrier, pause } from "../support/barrier.ts";
import { Proxy } from "../support/proxy.ts";
import { until } from "../support/until.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";

Deno.test("10 TERM under load: leaves at once, keeps the order of what waits, and running jobs go on", async () => {
  await using fixture = await RunnerFixture.create();
  const log = new ExecutionLog(fixture.dir);
  const barrier = new Barrier(fixture.dir);
  const runner = await fixture.runner({ args: ["--concurrency", "4"] });
  const ids: string[] = [];
  for (let i = 0; i < 3; i++) ids.push(await fixture.push({ payload: `${log.line}; ${barrier.wait}` }));
  for (const id of ids) await until("it runs", () => log.ran(id));
  for (let i = 0; i < 100; i++) ids.push(await fixture.push({ payload: log.line }));
  await until("the load has begun", () => log.ran(ids[10]));
  assertEquals(await runner.stop(), 0, runner.log);
  const queued = await fixture.redis.call("LRANGE", `runner:${fixture.name}`, 0, -1) as string[];
  assertEquals(queued, ids.slice(-queued.length).toReversed(), "what waits is the tail, in order");
  for (const id of ids.slice(0, 3)) assertEquals((await fixture.job(id)).status, "started");
  assertEquals((await fixture.redis.keys()).filter((key) => key.startsWith("rr:claim:")), []);
  await barrier.open();
  await fixture.runner();
  await assertClean(fixture, { ids, log });
});

for (const fault of ["refuse", "stall"] as const) {
  Deno.test(`11 TERM while Redis is away (${fault}): leaves all the same, and nothing is lost`, async () => {
    await using fixture = await RunnerFixture.create();
    await using proxy = Proxy.start(fixture.redis.port);
    const log = new ExecutionLog(fixture.dir);
    const barrier = new Barrier(fixture.dir);
    const runner = await fixture.runner({ args: ["--concurrency", "2"], env: { REDIS_URL: proxy.address } });
    const ids = [await fixture.push({ executor: "tmux.s.w", payload: `${log.line}; ${barrier.wait}; exit 3` })];
    await until("it runs", () => log.ran(ids[0]));
    ids.push(await fixture.push({ payload: `${log.line}; ${barrier.wait}` }));
    await until("it runs", () => log.ran(ids[1]));
    await proxy[fault]();
    await barrier.open();
    assertEquals(await runner.stop(), 0, runner.log);
    await fixture.runner();
    assertEquals((await fixture.ended(ids[0])).error, "exited with code 3");
    await assertClean(fixture, { ids, log });
  });
}

Deno.test("10 TERM leaves a hundred running jobs behind at once, and the next runner adopts them all", async () => {
  await using fixture = await RunnerFixture.create();
  const log = new ExecutionLog(fixture.dir);
  const barrier = new Barrier(fixture.dir);
  const runner = await fixture.runner({ args: ["--concurrency", "100"] });
  const ids: string[] = [];
  for (let i = 0; i < 100; i++) ids.push(await fixture.push({ payload: `${log.line}; ${barrier.idleWait}` }));
  await until("all run", async () => (await log.executions()).size === 100, 60_000);
  const begun = performance.now();
  assertEquals(await runner.stop(), 0, runner.log);
  const left = performance.now();
  await fixture.runner({ args: ["--concurrency", "100"] });
  const back = performance.now();
  console.log(
    `      100 running jobs: left in ${(left - begun).toFixed(0)} ms, adopted in ${(back - left).toFixed(0)} ms`,
  );
  await barrier.open();
  await assertClean(fixture, { ids, log });
});

Deno.test("10 TERM while the tmux server is frozen: leaves in time, and running jobs go on", async () => {
  await using fixture = await RunnerFixture.create();
  const log = new ExecutionLog(fixture.dir);
  const barrier = new Barrier(fixture.dir);
  const runner = await fixture.runner({ args: ["--concurrency", "2", "--on-end", "true"] });
  const ids = [await fixture.push({ payload: `${log.line}; ${barrier.wait}; exit 3` })];
  await until("it runs", () => log.ran(ids[0]));
  {
    using _frozen = await fixture.freezeTmux();
    ids.push(await fixture.push({ executor: "tmux.other", payload: log.line }));
    await fixture.reaches(ids[1], "started"); // its terminal is being made
    assertEquals(await runner.stop(), 0, runner.log);
  }
  await barrier.open();
  await fixture.runner();
  assertEquals((await fixture.ended(ids[0])).error, "exited with code 3");
  await assertClean(fixture, { ids, log });
});

Deno.test("10 TERM while a start waits for a frozen tmux server: says what it waits for, and leaves", async () => {
  await using fixture = await RunnerFixture.create();
  await (await fixture.runner()).stop();
  {
    using _frozen = await fixture.freezeTmux();
    const runner = await fixture.runner({ ready: false });
    await runner.says(`waits for the tmux server "${fixture.socket}"`);
    assertEquals(await runner.stop(), 0, runner.log);
  }
  await fixture.runner();
  assertEquals((await fixture.ended(await fixture.push({ payload: "echo well" }))).result, "well\n");
});

Deno.test("11 TERM while Redis is frozen and jobs run, wait and end: leaves in time, and nothing is lost", async () => {
  await using fixture = await RunnerFixture.create();
  const log = new ExecutionLog(fixture.dir);
  const barrier = new Barrier(fixture.dir);
  const runner = await fixture.runner({ args: ["--concurrency", "2"] });
  const ids = [await fixture.push({ payload: `${log.line}; ${barrier.wait}; exit 3` })];
  for (let i = 0; i < 3; i++) {
    ids.push(await fixture.push({ executor: "tmux.s.w", payload: `${log.line}; ${barrier.wait}` }));
  }
  await until("two run", async () => (await log.executions()).size === 2);
  Deno.kill(fixture.redis.pid, "SIGSTOP");
  try {
    await barrier.open();
    await pause(4000); // deadlines are missed, and the next ones are longer
    assertEquals(await runner.stop(), 0, runner.log);
  } finally {
    Deno.kill(fixture.redis.pid, "SIGCONT");
  }
  await fixture.runner();
  assertEquals((await fixture.ended(ids[0])).error, "exited with code 3");
  await assertClean(fixture, { ids, log });
});

Deno.test("10 TERM while a hundred thousand delayed jobs become due: leaves in time, and the next runner goes on", async () => {
  await using fixture = await RunnerFixture.create();
  const runner = await fixture.runner({ args: ["--heartbeat", "200ms"] });
  await fixture.redis.call("SET", `rr:paused:${fixture.name}`, "1");
  await runner.says("paused");
  const make = "for i = 1, 100000 do redis.call('HSET', 'job_' .. i, 'payload', 'true', 'status', 'dispatched')" +
    " redis.call('ZADD', KEYS[1], 1, i) end";
  await fixture.redis.call("EVAL", make, 1, `rr:delay:${fixture.name}`);
  const promoted = async () => Number(await fixture.redis.call("LLEN", `runner:${fixture.name}`));
  await until("some are in the queue", async () => await promoted() > 0);
  assertEquals(await runner.stop(), 0, runner.log);
  const before = await promoted();
  assert(before < 100_000, "there were more to do");
  await fixture.runner({ args: ["--heartbeat", "200ms"] });
  await until("the next runner goes on", async () => await promoted() > before);
});

Deno.test("10 a burst of a paused queue ends, says how many jobs wait, and leaves them there", async () => {
  await using fixture = await RunnerFixture.create();
  await using _terminals = { [Symbol.asyncDispose]: async () => void await fixture.tmux("kill-server") };
  const paused = ["run", "--burst"];
  assertEquals((await fixture.run(paused)).code, 0); // now the name of the queue is known
  assertEquals((await fixture.run(["pause"])).code, 0);
  const empty = await fixture.run(paused);
  assertEquals(empty.code, 0, empty.stderr);
  assertStringIncludes(empty.stderr, "the queue is paused");
  const ids: string[] = [];
  for (let i = 0; i < 3; i++) ids.push(await fixture.push({ payload: "true" }));
  const { code, stderr } = await fixture.run(paused);
  assertEquals(code, 0, stderr);
  assertStringIncludes(stderr, "count=3");
  const queued = await fixture.redis.call("LRANGE", `runner:${fixture.name}`, 0, -1) as string[];
  assertEquals(queued, ids.toReversed());
});
