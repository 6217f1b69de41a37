import { assert, assertEquals } from "../support/assert.ts";
import { assertClean } from "../support/audit.ts";
import { ExecutionLog } from "../support/execution_log.ts";
import { Gate } from "../support/gate.ts";
import { Proxy } from "../support/proxy.ts";
import { until } from "../support/until.ts";
import { World } from "../support/world.ts";

Deno.test("10 TERM under load: leaves at once, keeps the order of what waits, and running jobs go on", async () => {
  await using world = await World.create();
  const log = new ExecutionLog(world.dir);
  const gate = new Gate(world.dir);
  const runner = await world.runner({ args: ["--concurrency", "4"] });
  const ids: string[] = [];
  for (let i = 0; i < 3; i++) ids.push(await world.push({ payload: `${log.line}; ${gate.wait}` }));
  for (const id of ids) await until("it runs", () => log.ran(id));
  for (let i = 0; i < 100; i++) ids.push(await world.push({ payload: log.line }));
  await until("the load has begun", () => log.ran(ids[10]));
  const begun = performance.now();
  assertEquals(await runner.stop(), 0, runner.log);
  const ms = performance.now() - begun;
  assert(ms < 10_000, `left after ${ms} ms`);
  const queued = await world.redis.call("LRANGE", `runner:${world.name}`, 0, -1) as string[];
  assertEquals(queued, ids.slice(-queued.length).toReversed(), "what waits is the tail, in order");
  for (const id of ids.slice(0, 3)) assertEquals((await world.job(id)).status, "started");
  assertEquals((await world.redis.keys()).filter((key) => key.startsWith("rr:claim:")), []);
  await gate.open();
  await world.runner();
  await assertClean(world, { ids, log });
});

for (const fault of ["refuse", "stall"] as const) {
  Deno.test(`11 TERM while Redis is away (${fault}): leaves all the same, and nothing is lost`, async () => {
    await using world = await World.create();
    await using proxy = Proxy.start(world.redis.port);
    const log = new ExecutionLog(world.dir);
    const gate = new Gate(world.dir);
    const runner = await world.runner({ args: ["--concurrency", "2"], env: { REDIS_URL: proxy.address } });
    const ids = [await world.push({ executor: "tmux.s.w", payload: `${log.line}; ${gate.wait}; exit 3` })];
    await until("it runs", () => log.ran(ids[0]));
    ids.push(await world.push({ payload: `${log.line}; ${gate.wait}` }));
    await until("it runs", () => log.ran(ids[1]));
    await proxy[fault]();
    await gate.open();
    const begun = performance.now();
    assertEquals(await runner.stop(), 0, runner.log);
    const ms = performance.now() - begun;
    assert(ms < 15_000, `left after ${ms} ms`);
    await world.runner();
    assertEquals((await world.ended(ids[0])).error, "exited with code 3");
    await assertClean(world, { ids, log });
  });
}

Deno.test("10 TERM leaves a hundred running jobs behind at once, and the next runner takes them all up", async () => {
  await using world = await World.create();
  const log = new ExecutionLog(world.dir);
  const gate = new Gate(world.dir);
  const runner = await world.runner({ args: ["--concurrency", "100"] });
  const ids: string[] = [];
  for (let i = 0; i < 100; i++) ids.push(await world.push({ payload: `${log.line}; ${gate.idleWait}` }));
  await until("all run", async () => (await log.executions()).size === 100, 60_000);
  let begun = performance.now();
  assertEquals(await runner.stop(), 0, runner.log);
  const left = performance.now() - begun;
  begun = performance.now();
  await world.runner({ args: ["--concurrency", "100"] });
  const back = performance.now() - begun;
  console.log(`      100 running jobs: left in ${left.toFixed(0)} ms, taken up in ${back.toFixed(0)} ms`);
  assert(left < 10_000, `left after ${left} ms`);
  assert(back < 10_000, `taken up after ${back} ms`);
  await gate.open();
  await assertClean(world, { ids, log });
});
