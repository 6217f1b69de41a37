import { assert, assertEquals } from "../support/assert.ts";
import { assertClean } from "../support/audit.ts";
import { ExecutionLog } from "../support/execution_log.ts";
import { Gate, pause } from "../support/gate.ts";
import { Proxy } from "../support/proxy.ts";
import type { RunnerProcess } from "../support/world.ts";
import { World } from "../support/world.ts";
import { until } from "../support/until.ts";

const FAST = ["--beat", "200ms", "--lease", "3s", "--concurrency", "4"];

/** Two jobs that run until a gate opens; their runner is gone. */
async function left(world: World, log: ExecutionLog, gate: Gate): Promise<string[]> {
  const runner = await world.runner({ args: FAST });
  const ids: string[] = [];
  for (let i = 0; i < 2; i++) ids.push(await world.push({ payload: `${log.line}; ${gate.wait}; echo kept` }));
  for (const id of ids) await until("it runs", () => log.ran(id));
  await runner.kill9();
  return ids;
}

function times(runner: RunnerProcess, text: string): number {
  return runner.log.split(text).length - 1;
}

Deno.test("55 a runner that starts while Redis is away says so once, waits, and goes on where it was", async () => {
  await using world = await World.create({ persistence: "aof-always" });
  const [log, gate] = [new ExecutionLog(world.dir), new Gate(world.dir)];
  const ids = await left(world, log, gate);
  await world.redis.kill9();
  const runner = await world.runner({ args: FAST, ready: false });
  await runner.says("waiting for Redis");
  await pause(1500);
  await world.redis.restart();
  await runner.says("ready");
  assertEquals(times(runner, "waiting for Redis"), 1, runner.log);
  await gate.open();
  for (const id of ids) assertEquals((await world.ended(id)).result, "kept\n");
  await assertClean(world, { ids, log });
});

Deno.test("55 a runner that starts while Redis loads its data waits for it", async () => {
  await using world = await World.create({ persistence: "aof-always" });
  const log = new ExecutionLog(world.dir);
  for (let i = 0; i < 3000; i++) await world.redis.call("SET", `filler:${i}`, i);
  await world.redis.stop();
  const up = world.redis.restart({ "key-load-delay": "1000", "loading-process-events-interval-bytes": "1024" });
  const runner = await world.runner({ args: FAST, ready: false });
  await up;
  await runner.says("ready");
  for (let i = 0; i < 3000; i++) await world.redis.call("DEL", `filler:${i}`);
  await assertClean(world, { ids: [await world.push({ payload: log.line })], log });
});

Deno.test("55 a runner whose connection breaks at any command of its start starts all the same", async () => {
  await using world = await World.create();
  await using proxy = Proxy.start(world.redis.port);
  const [log, gate] = [new ExecutionLog(world.dir), new Gate(world.dir)];
  const ids = await left(world, log, gate);
  let nth = 1;
  for (let cut = true; cut && nth < 40; nth++) {
    cut = false;
    // it has everything to bring back each time
    await world.redis.call("FLUSHALL");
    proxy.cutReply({ nth, after: nth % 2 === 0 ? 3 : 0 }).then(() => cut = true);
    const runner = await world.runner({ args: FAST, env: { REDIS_URL: proxy.address } });
    for (const id of ids) await world.reaches(id, "started");
    await runner.kill9();
    assert(cut || nth > 10, `${nth} commands`);
    cut &&= nth < 16;
  }
  proxy.forgetCut();
  await world.runner({ args: FAST });
  await gate.open();
  for (const id of ids) assertEquals((await world.ended(id)).result, "kept\n");
  await assertClean(world, { ids, log, dataWasLost: true });
});

for (const nth of [5, 8, 10, 12]) {
  Deno.test(`55 a Redis that is killed at command ${nth} of a runner's start: it waits, and takes up what runs`, async () => {
    await using world = await World.create();
    await using proxy = Proxy.start(world.redis.port);
    const [log, gate] = [new ExecutionLog(world.dir), new Gate(world.dir)];
    const ids = await left(world, log, gate);
    await world.redis.call("FLUSHALL");
    const cut = proxy.cutReply({ nth });
    const runner = await world.runner({ args: FAST, env: { REDIS_URL: proxy.address }, ready: false });
    await cut;
    await world.redis.kill9();
    await pause(1000);
    assertEquals(runner.code, null, runner.log);
    await world.redis.restart();
    await runner.says("ready");
    await gate.open();
    for (const id of ids) assertEquals((await world.ended(id)).result, "kept\n");
    await assertClean(world, { ids, log, dataWasLost: true });
  });
}

Deno.test("55 what waiting does not mend ends the start of a runner at once", async () => {
  await using world = await World.create({ config: { requirepass: "secret" } });
  const runner = await world.runner({ ready: false, env: { REDIS_URL: `redis://:wrong@${world.redis.address}` } });
  assertEquals(await runner.ended, 78, runner.log);
  assertEquals(times(runner, "waiting for Redis"), 0, runner.log);
});
