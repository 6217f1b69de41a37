import { assert, assertEquals } from "../support/assert.ts";
import { assertClean, countExecutions } from "../support/audit.ts";
import { ExecutionLog } from "../support/execution_log.ts";
import { Barrier, pause } from "../support/barrier.ts";
import type { Persistence } from "../support/redis_server.ts";
import { until } from "../support/until.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";

/** After Redis was restarted nothing is taken for two heartbeats: 400 ms here, 10 s in life. */
const FAST = ["--heartbeat", "200ms", "--lease", "3s"];

/** Pushes jobs until `stop`, and keeps those that Redis has acknowledged. */
function writer(fixture: RunnerFixture, payload: string) {
  const ids: string[] = [];
  const halves: string[] = [];
  let on = true;
  const done = (async () => {
    while (on) {
      const id = crypto.randomUUID();
      try {
        await fixture.push({ payload }, id);
        ids.push(id);
      } catch {
        halves.push(id); // it may be queued or not
      }
      await pause(5); // the pace of the load
    }
  })();
  return {
    ids,
    stop: async () => {
      on = false;
      await done;
      for (const id of halves) {
        if ((await fixture.job(id)).status === undefined) await fixture.redis.call("DEL", `job_${id}`);
      }
    },
  };
}

for (const persistence of ["aof-everysec", "aof-always"] as const satisfies Persistence[]) {
  Deno.test(`16 six times kill -9 of Redis under load (${persistence}): no acknowledged job is lost or runs twice`, async () => {
    await using fixture = await RunnerFixture.create({ persistence });
    const log = new ExecutionLog(fixture.dir);
    await fixture.runner({ args: FAST });
    const load = writer(fixture, log.line);
    const resumed: number[] = [];
    for (let i = 0; i < 6; i++) {
      const before = (await log.executions()).size;
      await until("jobs run", async () => (await log.executions()).size > before);
      await fixture.redis.kill9();
      await pause(i * 60); // outages of different lengths
      await fixture.redis.restart();
      const begun = performance.now();
      const after = (await log.executions()).size;
      await until("jobs run again", async () => (await log.executions()).size > after);
      resumed.push(performance.now() - begun);
    }
    await load.stop();
    console.log(`      runs again after ${resumed.map((ms) => ms.toFixed(0)).join(", ")} ms`);
    for (const id of load.ids) await fixture.ended(id);
    // a job whose push was cut off may have run as well
    await assertClean(fixture, { ids: [...new Set([...load.ids, ...(await log.executions()).keys()])], log });
  });
}

/** Jobs that are not in Redis. */
async function missing(fixture: RunnerFixture, ids: readonly string[]): Promise<Set<string>> {
  const gone = new Set<string>();
  for (const id of ids) if (await fixture.redis.call("EXISTS", `job_${id}`) === 0) gone.add(id);
  return gone;
}

Deno.test("17 a Redis that comes back empty gets its running and its last jobs back", async () => {
  await using fixture = await RunnerFixture.create();
  const log = new ExecutionLog(fixture.dir);
  const barrier = new Barrier(fixture.dir);
  await fixture.runner({ args: [...FAST, "--concurrency", "8"] });
  const ended: string[] = [];
  for (let i = 0; i < 20; i++) ended.push(await fixture.push({ payload: `${log.line}; echo ${i}` }));
  for (const id of ended) await fixture.ended(id);
  const running: string[] = [];
  for (let i = 0; i < 8; i++) {
    running.push(await fixture.push({ payload: `${log.line}; ${barrier.wait}; echo kept ${i}` }));
  }
  for (const id of running) await until("it runs", () => log.ran(id));
  const queued = await fixture.push({ payload: log.line });
  await fixture.redis.kill9();
  await fixture.redis.restart();
  for (const id of running) await fixture.reaches(id, "started");
  for (const [i, id] of ended.entries()) assertEquals((await fixture.ended(id)).result, `${i}\n`);
  assertEquals(await fixture.job(queued), {}, "queued jobs share the fate of their Redis, as documented");
  await barrier.open();
  for (const [i, id] of running.entries()) assertEquals((await fixture.ended(id)).result, `kept ${i}\n`);
  const late = await fixture.push({ payload: log.line });
  await assertClean(fixture, { ids: [...ended, ...running, late], log, dataWasLost: true });
});

Deno.test("17 jobs survive the loss of Redis' data and of all runners at once", async () => {
  await using fixture = await RunnerFixture.create();
  const log = new ExecutionLog(fixture.dir);
  const barrier = new Barrier(fixture.dir);
  const first = await fixture.runner({ args: [...FAST, "--concurrency", "8"] });
  const ended = await fixture.push({ payload: `${log.line}; echo told` });
  await fixture.ended(ended);
  const running: string[] = [];
  for (let i = 0; i < 8; i++) {
    running.push(await fixture.push({ payload: `${log.line}; ${barrier.wait}; echo kept ${i}` }));
  }
  for (const id of running) await until("it runs", () => log.ran(id));
  await first.kill9();
  await fixture.redis.kill9();
  await barrier.open();
  await fixture.redis.restart();
  await fixture.runner({ args: [...FAST, "--concurrency", "8"] });
  for (const [i, id] of running.entries()) assertEquals((await fixture.ended(id)).result, `kept ${i}\n`);
  assertEquals((await fixture.ended(ended)).result, "told\n");
  await assertClean(fixture, { ids: [...running, ended], log, dataWasLost: true });
});

Deno.test("19 FLUSHALL with running jobs: all of them are visible again, and all results come", async () => {
  await using fixture = await RunnerFixture.create();
  const log = new ExecutionLog(fixture.dir);
  const barrier = new Barrier(fixture.dir);
  await fixture.runner({ args: [...FAST, "--concurrency", "8"] });
  const ids: string[] = [];
  for (let i = 0; i < 8; i++) ids.push(await fixture.push({ payload: `${log.line}; ${barrier.wait}; echo kept ${i}` }));
  for (const id of ids) await until("it runs", () => log.ran(id));
  await fixture.redis.call("FLUSHALL");
  const begun = performance.now();
  for (const id of ids) await fixture.reaches(id, "started");
  const ms = performance.now() - begun;
  console.log(`      8 running jobs visible ${ms.toFixed(0)} ms after FLUSHALL, heartbeat 200 ms`);
  await barrier.open();
  for (const [i, id] of ids.entries()) assertEquals((await fixture.ended(id)).result, `kept ${i}\n`);
  const late = await fixture.push({ payload: log.line });
  await assertClean(fixture, { ids: [...ids, late], log, dataWasLost: true });
});

Deno.test("18 a Redis whose file is a second old runs nothing twice and leaves nothing started for ever", async () => {
  await using fixture = await RunnerFixture.create({ persistence: "aof-always" });
  const log = new ExecutionLog(fixture.dir);
  const spools = ["a", "b"].map((letter) => `${fixture.dir}/${letter}`);
  for (const [i, spool] of spools.entries()) {
    await fixture.runner({ args: FAST, spool, env: { RUNNER_TMUX_SOCKET: `${fixture.socket}-${i}` } });
  }
  const ids: string[] = [];
  const lost: string[] = [];
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 60; i++) ids.push(await fixture.push({ payload: `${log.line}; sleep 0.${i % 9}` }));
    const ran = ids.slice(-60);
    await until("some of them run", async () => {
      const executions = await log.executions();
      return ran.filter((id) => executions.has(id)).length > 20;
    });
    const old = `${fixture.dir}/aof-${round}`;
    await copyAll(`${fixture.redis.dir}/appendonlydir`, old);
    // claimed, started, ended and pushed within the second that Redis will have forgotten
    for (let i = 0; i < 20; i++) lost.push(await fixture.push({ payload: `${log.line}; sleep 0.${i % 9}` }));
    await pause(1000); // the second that Redis will have forgotten
    await fixture.redis.kill9();
    await Deno.remove(`${fixture.redis.dir}/appendonlydir`, { recursive: true });
    await copyAll(old, `${fixture.redis.dir}/appendonlydir`);
    await fixture.redis.restart();
    await pause(500); // the runners are bringing back what they run when the next round begins
  }
  // those that were pushed and not started in that second are gone, as documented
  const gone = await missing(fixture, lost);
  const rest = [...ids, ...lost.filter((id) => !gone.has(id))];
  await assertClean(fixture, {
    ids: rest,
    dataWasLost: true,
    instances: spools.map((spool) => fixture.instance(spool)),
  });
  assertEquals(await countExecutions([...ids, ...lost], log, (id) => [gone.has(id) ? 0 : 1, 1]), []);
});

async function copyAll(from: string, to: string): Promise<void> {
  await Deno.mkdir(to);
  for await (const { name } of Deno.readDir(from)) await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
}

Deno.test("20 a Redis that loads its data for seconds is waited for without a word to the user", async () => {
  await using fixture = await RunnerFixture.create({ persistence: "aof-everysec" });
  const log = new ExecutionLog(fixture.dir);
  const barrier = new Barrier(fixture.dir);
  await fixture.runner({ args: FAST });
  const ids = [await fixture.push({ payload: `${log.line}; ${barrier.wait}; echo kept` })];
  await until("it runs", () => log.ran(ids[0]));
  for (let i = 0; i < 3000; i++) await fixture.redis.call("SET", `filler:${i}`, i);
  await fixture.redis.stop();
  // a negative delay sleeps so many microseconds per key
  const up = fixture.redis.restart({ "key-load-delay": "1000", "loading-process-events-interval-bytes": "1024" });
  await until("it loads", async () => {
    const info = await fixture.redis.call("INFO", "persistence").catch(() => "");
    return /^loading:1/m.test(String(info));
  });
  await barrier.open();
  await up;
  for (let i = 0; i < 3000; i++) await fixture.redis.call("DEL", `filler:${i}`);
  assertEquals((await fixture.ended(ids[0])).result, "kept\n");
  const submitted = await fixture.run(["submit", "--wait", "echo back"]);
  assertEquals(submitted.code, 0, submitted.stderr);
  ids.push(submitted.stdout.trim());
  await assertClean(fixture, { ids: [ids[0]] });
});

Deno.test("17 a runner that holds back after a restart of Redis says so in its log and in status", async () => {
  await using fixture = await RunnerFixture.create({ persistence: "none" });
  const runner = await fixture.runner({ args: ["--heartbeat", "3s", "--lease", "9s"] });
  await fixture.redis.kill9();
  await fixture.redis.restart();
  await runner.says("claims no jobs until all hosts have brought back what they run");
  const id = await fixture.submit("true");
  await until("status says why it waits", async () => {
    const { stdout } = await fixture.run(["status", id]);
    assert((await fixture.job(id)).status === "dispatched", `${stdout}\n${runner.log}`);
    return stdout.includes("waits until all hosts have brought back what they run; it is the next one");
  });
  await runner.says("claims jobs again");
  assertEquals((await fixture.ended(id)).status, "finished");
});
