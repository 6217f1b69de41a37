import { assert, assertEquals } from "../support/assert.ts";
import { assertClean } from "../support/audit.ts";
import { ExecutionLog } from "../support/execution_log.ts";
import { Barrier, pause } from "../support/barrier.ts";
import { Proxy } from "../support/proxy.ts";
import type { RunnerProcess } from "../support/runner_fixture.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";
import { until } from "../support/until.ts";

const FAST = ["--heartbeat", "200ms", "--lease", "3s", "--concurrency", "4"];

/** Two jobs that run until a barrier opens; their runner is gone. */
async function left(fixture: RunnerFixture, log: ExecutionLog, barrier: Barrier): Promise<string[]> {
  const runner = await fixture.runner({ args: FAST });
  const ids: string[] = [];
  for (let i = 0; i < 2; i++) ids.push(await fixture.push({ payload: `${log.line}; ${barrier.wait}; echo kept` }));
  for (const id of ids) await until("it runs", () => log.ran(id));
  await runner.kill9();
  return ids;
}

function times(runner: RunnerProcess, text: string): number {
  return runner.log.split(text).length - 1;
}

Deno.test("55 a runner that starts while Redis is away says so once, waits, and goes on where it was", async () => {
  await using fixture = await RunnerFixture.create({ persistence: "aof-always" });
  const [log, barrier] = [new ExecutionLog(fixture.dir), new Barrier(fixture.dir)];
  const ids = await left(fixture, log, barrier);
  await fixture.redis.kill9();
  const runner = await fixture.runner({ args: FAST, ready: false });
  await runner.says("waiting for Redis");
  await pause(1500); // it tries several times meanwhile
  await fixture.redis.restart();
  await runner.says("ready");
  assertEquals(times(runner, "waiting for Redis"), 1, runner.log);
  await barrier.open();
  for (const id of ids) assertEquals((await fixture.ended(id)).result, "kept\n");
  await assertClean(fixture, { ids, log });
});

Deno.test("55 a runner that starts while Redis loads its data waits for it", async () => {
  await using fixture = await RunnerFixture.create({ persistence: "aof-always" });
  const log = new ExecutionLog(fixture.dir);
  for (let i = 0; i < 3000; i++) await fixture.redis.call("SET", `filler:${i}`, i);
  await fixture.redis.stop();
  const up = fixture.redis.restart({ "key-load-delay": "1000", "loading-process-events-interval-bytes": "1024" });
  const runner = await fixture.runner({ args: FAST, ready: false });
  await up;
  await runner.says("ready");
  for (let i = 0; i < 3000; i++) await fixture.redis.call("DEL", `filler:${i}`);
  await assertClean(fixture, { ids: [await fixture.push({ payload: log.line })], log });
});

Deno.test("55 a runner whose connection breaks at any command of its start starts all the same", async () => {
  await using fixture = await RunnerFixture.create();
  await using proxy = Proxy.start(fixture.redis.port);
  const [log, barrier] = [new ExecutionLog(fixture.dir), new Barrier(fixture.dir)];
  const ids = await left(fixture, log, barrier);
  let nth = 1;
  for (let cut = true; cut && nth < 40; nth++) {
    cut = false;
    // it has everything to bring back each time
    await fixture.redis.call("FLUSHALL");
    proxy.cutReply({ nth, after: nth % 2 === 0 ? 3 : 0 }).then(() => cut = true);
    const runner = await fixture.runner({ args: FAST, env: { REDIS_URL: proxy.address } });
    for (const id of ids) await fixture.reaches(id, "started");
    await runner.kill9();
    assert(cut || nth > 10, `${nth} commands`);
    cut &&= nth < 16;
  }
  proxy.forgetCut();
  await fixture.runner({ args: FAST });
  await barrier.open();
  for (const id of ids) assertEquals((await fixture.ended(id)).result, "kept\n");
  await assertClean(fixture, { ids, log, dataWasLost: true });
});

for (const nth of [5, 8, 10, 12]) {
  Deno.test(`55 a Redis that is killed at command ${nth} of a runner's start: it waits, and adopts what runs`, async () => {
    await using fixture = await RunnerFixture.create();
    await using proxy = Proxy.start(fixture.redis.port);
    const [log, barrier] = [new ExecutionLog(fixture.dir), new Barrier(fixture.dir)];
    const ids = await left(fixture, log, barrier);
    await fixture.redis.call("FLUSHALL");
    const cut = proxy.cutReply({ nth });
    const runner = await fixture.runner({ args: FAST, env: { REDIS_URL: proxy.address }, ready: false });
    await cut;
    await fixture.redis.kill9();
    await runner.says("waiting for Redis");
    assertEquals(runner.code, null, runner.log);
    await fixture.redis.restart();
    await runner.says("ready");
    await barrier.open();
    for (const id of ids) assertEquals((await fixture.ended(id)).result, "kept\n");
    await assertClean(fixture, { ids, log, dataWasLost: true });
  });
}

Deno.test("55 what waiting does not mend ends the start of a runner at once", async () => {
  await using fixture = await RunnerFixture.create({ config: { requirepass: "secret" } });
  const runner = await fixture.runner({ ready: false, env: { REDIS_URL: `redis://:wrong@${fixture.redis.address}` } });
  assertEquals(await runner.ended, 78, runner.log);
  assertEquals(times(runner, "waiting for Redis"), 0, runner.log);
});
