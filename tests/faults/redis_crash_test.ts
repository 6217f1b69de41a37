import { assert, assertEquals } from "../support/assert.ts";
import { assertClean, countExecutions } from "../support/audit.ts";
import { ExecutionLog } from "../support/execution_log.ts";
import { Gate, pause } from "../support/gate.ts";
import type { Persistence } from "../support/redis_server.ts";
import { until } from "../support/until.ts";
import { World } from "../support/world.ts";

/** After Redis was restarted nothing is taken for two beats: 400 ms here, 10 s in life. */
const FAST = ["--beat", "200ms", "--lease", "3s"];

/** Pushes jobs until `stop`, and keeps those that Redis has acknowledged. */
function writer(world: World, payload: string) {
  const ids: string[] = [];
  const halves: string[] = [];
  let on = true;
  const done = (async () => {
    while (on) {
      const id = crypto.randomUUID();
      try {
        await world.push({ payload }, id);
        ids.push(id);
      } catch {
        halves.push(id); // it may be queued or not
      }
      await pause(5);
    }
  })();
  return {
    ids,
    stop: async () => {
      on = false;
      await done;
      for (const id of halves) {
        if ((await world.job(id)).status === undefined) await world.redis.call("DEL", `job_${id}`);
      }
    },
  };
}

for (const persistence of ["aof-everysec", "aof-always"] as const satisfies Persistence[]) {
  Deno.test(`16 six times kill -9 of Redis under load (${persistence}): no acknowledged job is lost or runs twice`, async () => {
    await using world = await World.create({ persistence });
    const log = new ExecutionLog(world.dir);
    await world.runner({ args: FAST });
    const load = writer(world, log.line);
    const resumed: number[] = [];
    for (let i = 0; i < 6; i++) {
      const before = (await log.executions()).size;
      await until("jobs run", async () => (await log.executions()).size > before);
      await world.redis.kill9();
      await pause(i * 60);
      await world.redis.restart();
      const begun = performance.now();
      const after = (await log.executions()).size;
      await until("jobs run again", async () => (await log.executions()).size > after);
      resumed.push(performance.now() - begun);
    }
    await load.stop();
    console.log(`      runs again after ${resumed.map((ms) => ms.toFixed(0)).join(", ")} ms`);
    for (const id of load.ids) await world.ended(id);
    // a job whose push was cut off may have run as well
    await assertClean(world, { ids: [...new Set([...load.ids, ...(await log.executions()).keys()])], log });
    assert(Math.max(...resumed) < 4000);
  });
}

/** Jobs that are not in Redis. */
async function missing(world: World, ids: readonly string[]): Promise<Set<string>> {
  const gone = new Set<string>();
  for (const id of ids) if (await world.redis.call("EXISTS", `job_${id}`) === 0) gone.add(id);
  return gone;
}

Deno.test("17 a Redis that comes back empty gets its running and its last jobs back", async () => {
  await using world = await World.create();
  const log = new ExecutionLog(world.dir);
  const gate = new Gate(world.dir);
  await world.runner({ args: [...FAST, "--concurrency", "8"] });
  const ended: string[] = [];
  for (let i = 0; i < 20; i++) ended.push(await world.push({ payload: `${log.line}; echo ${i}` }));
  for (const id of ended) await world.ended(id);
  const running: string[] = [];
  for (let i = 0; i < 8; i++) running.push(await world.push({ payload: `${log.line}; ${gate.wait}; echo kept ${i}` }));
  for (const id of running) await until("it runs", () => log.ran(id));
  const queued = await world.push({ payload: log.line });
  await world.redis.kill9();
  await world.redis.restart();
  for (const id of running) await world.reaches(id, "started");
  for (const [i, id] of ended.entries()) assertEquals((await world.ended(id)).result, `${i}\n`);
  assertEquals(await world.job(queued), {}, "queued jobs share the fate of their Redis, as documented");
  await gate.open();
  for (const [i, id] of running.entries()) assertEquals((await world.ended(id)).result, `kept ${i}\n`);
  const late = await world.push({ payload: log.line });
  await assertClean(world, { ids: [...ended, ...running, late], log, dataWasLost: true });
});

Deno.test("17 jobs survive the loss of Redis' data and of all runners at once", async () => {
  await using world = await World.create();
  const log = new ExecutionLog(world.dir);
  const gate = new Gate(world.dir);
  const first = await world.runner({ args: [...FAST, "--concurrency", "8"] });
  const ended = await world.push({ payload: `${log.line}; echo told` });
  await world.ended(ended);
  const running: string[] = [];
  for (let i = 0; i < 8; i++) running.push(await world.push({ payload: `${log.line}; ${gate.wait}; echo kept ${i}` }));
  for (const id of running) await until("it runs", () => log.ran(id));
  await first.kill9();
  await world.redis.kill9();
  await gate.open();
  await world.redis.restart();
  await world.runner({ args: [...FAST, "--concurrency", "8"] });
  for (const [i, id] of running.entries()) assertEquals((await world.ended(id)).result, `kept ${i}\n`);
  assertEquals((await world.ended(ended)).result, "told\n");
  await assertClean(world, { ids: [...running, ended], log, dataWasLost: true });
});

Deno.test("19 FLUSHALL with running jobs: all of them are visible again within a beat, and all results come", async () => {
  await using world = await World.create();
  const log = new ExecutionLog(world.dir);
  const gate = new Gate(world.dir);
  await world.runner({ args: [...FAST, "--concurrency", "8"] });
  const ids: string[] = [];
  for (let i = 0; i < 8; i++) ids.push(await world.push({ payload: `${log.line}; ${gate.wait}; echo kept ${i}` }));
  for (const id of ids) await until("it runs", () => log.ran(id));
  await world.redis.call("FLUSHALL");
  const begun = performance.now();
  for (const id of ids) await world.reaches(id, "started");
  const ms = performance.now() - begun;
  console.log(`      8 running jobs visible ${ms.toFixed(0)} ms after FLUSHALL, beat 200 ms`);
  assert(ms < 10_000);
  await gate.open();
  for (const [i, id] of ids.entries()) assertEquals((await world.ended(id)).result, `kept ${i}\n`);
  const late = await world.push({ payload: log.line });
  await assertClean(world, { ids: [...ids, late], log, dataWasLost: true });
});

Deno.test("18 a Redis whose file is a second old runs nothing twice and leaves nothing started for ever", async () => {
  await using world = await World.create({ persistence: "aof-always" });
  const log = new ExecutionLog(world.dir);
  const spools = ["a", "b"].map((letter) => `${world.dir}/${letter}`);
  for (const [i, spool] of spools.entries()) {
    await world.runner({ args: FAST, spool, env: { RUNNER_TMUX_SOCKET: `${world.socket}-${i}` } });
  }
  const ids: string[] = [];
  const lost: string[] = [];
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 60; i++) ids.push(await world.push({ payload: `${log.line}; sleep 0.${i % 9}` }));
    await pause(300);
    const old = `${world.dir}/aof-${round}`;
    await copyAll(`${world.redis.dir}/appendonlydir`, old);
    // claimed, started, ended and pushed within the second that Redis will have forgotten
    for (let i = 0; i < 20; i++) lost.push(await world.push({ payload: `${log.line}; sleep 0.${i % 9}` }));
    await pause(1000);
    await world.redis.kill9();
    await Deno.remove(`${world.redis.dir}/appendonlydir`, { recursive: true });
    await copyAll(old, `${world.redis.dir}/appendonlydir`);
    await world.redis.restart();
    await pause(500);
  }
  // those that were pushed and not started in that second are gone, as documented
  const gone = await missing(world, lost);
  const rest = [...ids, ...lost.filter((id) => !gone.has(id))];
  await assertClean(world, {
    ids: rest,
    dataWasLost: true,
    instances: spools.map((spool) => world.instance(spool)),
  });
  assertEquals(await countExecutions([...ids, ...lost], log, (id) => [gone.has(id) ? 0 : 1, 1]), []);
});

async function copyAll(from: string, to: string): Promise<void> {
  await Deno.mkdir(to);
  for await (const { name } of Deno.readDir(from)) await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
}

Deno.test("20 a Redis that loads its data for seconds is waited for without a word to the user", async () => {
  await using world = await World.create({ persistence: "aof-everysec" });
  const log = new ExecutionLog(world.dir);
  const gate = new Gate(world.dir);
  await world.runner({ args: FAST });
  const ids = [await world.push({ payload: `${log.line}; ${gate.wait}; echo kept` })];
  await until("it runs", () => log.ran(ids[0]));
  for (let i = 0; i < 3000; i++) await world.redis.call("SET", `filler:${i}`, i);
  await world.redis.stop();
  // a negative delay sleeps so many microseconds per key
  const up = world.redis.restart({ "key-load-delay": "1000", "loading-process-events-interval-bytes": "1024" });
  await pause(500);
  await gate.open();
  await up;
  for (let i = 0; i < 3000; i++) await world.redis.call("DEL", `filler:${i}`);
  assertEquals((await world.ended(ids[0])).result, "kept\n");
  const submitted = await world.run(["submit", "--wait", "echo back"]);
  assertEquals(submitted.code, 0, submitted.stderr);
  ids.push(submitted.stdout.trim());
  await assertClean(world, { ids: [ids[0]] });
});

Deno.test("17 a runner that holds back after a restart of Redis says so in its log and in status", async () => {
  await using world = await World.create({ persistence: "none" });
  const runner = await world.runner({ args: ["--beat", "3s", "--lease", "9s"] });
  await world.redis.kill9();
  await world.redis.restart();
  await runner.says("takes no jobs until all hosts have brought back what they run");
  const id = await world.submit("true");
  await until("status says why it waits", async () => {
    const { stdout } = await world.run(["status", id]);
    assert((await world.job(id)).status === "dispatched", `${stdout}\n${runner.log}`);
    return stdout.includes("waits until all hosts have brought back what they run; it is the next one");
  });
  await runner.says("takes jobs again");
  assertEquals((await world.ended(id)).status, "finished");
});
