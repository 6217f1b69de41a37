import { assertEquals } from "../support/assert.ts";
import { assertClean } from "../support/audit.ts";
import { ExecutionLog } from "../support/execution_log.ts";
import { Barrier } from "../support/barrier.ts";
import { until } from "../support/until.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";

const FAST = ["--heartbeat", "200ms", "--lease", "3s"];

for (const slots of [8, 16]) {
  Deno.test(`18 a master that went back to a stale copy under the same run_id runs nothing again (8 jobs, ${slots} slots)`, async () => {
    await using fixture = await RunnerFixture.create();
    const [log, barrier] = [new ExecutionLog(fixture.dir), new Barrier(fixture.dir)];
    const first = new Barrier(fixture.dir, "first");
    const args = [...FAST, "--concurrency", String(slots)];
    const ids: string[] = [];
    for (let i = 0; i < 8; i++) {
      ids.push(await fixture.push({ payload: `${log.line}; ${i < 4 ? first.wait : barrier.wait}; echo kept ${i}` }));
    }
    await using stale = await fixture.redis.copy();
    await fixture.runner({ args });
    for (const id of ids) await until("it runs", () => log.ran(id));
    await fixture.redis.goBackTo(stale);
    // slots become free before the next heartbeat: the stale queue holds all eight
    await first.open();
    for (const id of ids.slice(0, 4)) await fixture.ended(id);
    await barrier.open();
    for (const [i, id] of ids.entries()) assertEquals((await fixture.ended(id)).result, `kept ${i}\n`);
    ids.push(await fixture.push({ payload: log.line }));
    await assertClean(fixture, { ids, log, dataWasLost: true });
  });
}

Deno.test("18 a master that went back to a stale copy: an idle peer runs nothing that another host has", async () => {
  await using fixture = await RunnerFixture.create();
  const [log, barrier] = [new ExecutionLog(fixture.dir), new Barrier(fixture.dir)];
  const ids: string[] = [];
  for (let i = 0; i < 8; i++) ids.push(await fixture.push({ payload: `${log.line}; ${barrier.wait}; echo kept ${i}` }));
  await using stale = await fixture.redis.copy();
  const spools = ["a", "b"].map((letter) => `${fixture.dir}/${letter}`);
  const start = (i: number) =>
    fixture.runner({
      args: [...FAST, "--concurrency", "8"],
      spool: spools[i],
      env: { RUNNER_TMUX_SOCKET: `${fixture.socket}-${i}` },
    });
  await start(0);
  for (const id of ids) await until("it runs", () => log.ran(id));
  await start(1);
  await fixture.redis.goBackTo(stale);
  await barrier.open();
  for (const [i, id] of ids.entries()) assertEquals((await fixture.ended(id)).result, `kept ${i}\n`);
  ids.push(await fixture.push({ payload: log.line }));
  await assertClean(fixture, {
    ids,
    log,
    dataWasLost: true,
    instances: spools.map((spool) => fixture.instance(spool)),
  });
});

Deno.test("18 a runner that is new waits until the others have brought back what they run when Redis went back before it came", async () => {
  await using fixture = await RunnerFixture.create();
  const [log, first, barrier] = [
    new ExecutionLog(fixture.dir),
    new Barrier(fixture.dir, "first"),
    new Barrier(fixture.dir),
  ];
  const spools = ["a", "b"].map((letter) => `${fixture.dir}/${letter}`);
  const start = (i: number, heartbeat: string) =>
    fixture.runner({
      args: ["--heartbeat", heartbeat, "--lease", "30s", "--concurrency", "1"],
      spool: spools[i],
      env: { RUNNER_TMUX_SOCKET: `${fixture.socket}-${i}` },
    });
  // it has no slot free, and so notices with its next heartbeat only
  await start(0, "5s");
  const ids = [await fixture.push({ payload: `${log.line}; ${first.wait}; echo first` })];
  await until("it runs", () => log.ran(ids[0]));
  ids.push(await fixture.push({ payload: `${log.line}; ${barrier.wait}; echo second` }));
  await using stale = await fixture.redis.copy();
  await first.open();
  await until("the next one runs", () => log.ran(ids[1]));
  await fixture.redis.goBackTo(stale);
  await start(1, "3s");
  await fixture.reaches(ids[1], "started");
  await barrier.open();
  assertEquals((await fixture.ended(ids[0])).result, "first\n");
  assertEquals((await fixture.ended(ids[1])).result, "second\n");
  ids.push(await fixture.push({ payload: log.line }));
  await assertClean(fixture, {
    ids,
    log,
    dataWasLost: true,
    instances: spools.map((spool) => fixture.instance(spool)),
  });
});

for (const behind of ["its start", "its end"]) {
  Deno.test(`18 an attempt that is to be tried again is not begun anew when Redis goes back behind ${behind}`, async () => {
    await using fixture = await RunnerFixture.create();
    const [log, barrier] = [new ExecutionLog(fixture.dir), new Barrier(fixture.dir)];
    const payload = `${log.line}; ${barrier.wait}; [ $RUNNER_ATTEMPT = 2 ]`;
    const id = await fixture.submit("--retries", "1", "--backoff", "1h..1h", payload);
    const early = await fixture.redis.copy();
    await fixture.runner({ args: FAST });
    await until("it runs", () => log.ran(id));
    const late = await fixture.redis.copy();
    await barrier.open();
    await fixture.reaches(id, "dispatched");
    await fixture.redis.goBackTo(behind === "its start" ? early : late);
    assertEquals((await fixture.ended(id)).status, "finished");
    await assertClean(fixture, { ids: [id], log, executions: () => [2, 2], dataWasLost: true });
    for (const copy of [early, late]) await copy[Symbol.asyncDispose]();
  });
}

for (const end of ["kill9", "stop"] as const) {
  Deno.test(`19 FLUSHALL while no runner lives (${end}): every end is reported again, and what runs goes on`, async () => {
    await using fixture = await RunnerFixture.create();
    const [log, barrier] = [new ExecutionLog(fixture.dir), new Barrier(fixture.dir)];
    const args = [...FAST, "--concurrency", "8"];
    const runner = await fixture.runner({ args });
    const ended: string[] = [];
    for (let i = 0; i < 20; i++) ended.push(await fixture.push({ payload: `${log.line}; echo ${i}` }));
    for (const id of ended) await fixture.ended(id);
    const running: string[] = [];
    // with nothing that runs, a runner that stops leaves its instance
    for (let i = 0; end === "kill9" && i < 4; i++) {
      running.push(await fixture.push({ payload: `${log.line}; ${barrier.wait}; echo kept` }));
      await until("it runs", () => log.ran(running[i]));
    }
    await runner[end]();
    await fixture.redis.call("FLUSHALL");
    await fixture.runner({ args });
    for (const [i, id] of ended.entries()) assertEquals((await fixture.ended(id)).result, `${i}\n`);
    for (const id of running) await fixture.reaches(id, "started");
    await barrier.open();
    for (const id of running) assertEquals((await fixture.ended(id)).result, "kept\n");
    await assertClean(fixture, { ids: [...ended, ...running], log, dataWasLost: true });
  });
}

for (
  const fault of [
    "runner stopped",
    "runner killed",
    "Redis restarted",
    "Redis became a replica",
    "its peers retired it",
  ]
) {
  Deno.test(`19 what a person purged stays away where no data are lost (${fault})`, async () => {
    await using fixture = await RunnerFixture.create({ persistence: "aof-always" });
    const log = new ExecutionLog(fixture.dir);
    const args = [...FAST, "--concurrency", "8"];
    const runner = await fixture.runner({ args });
    const ids: string[] = [];
    for (let i = 0; i < 20; i++) ids.push(await fixture.push({ payload: log.line }));
    for (const id of ids) await fixture.ended(id);
    const { code, stderr } = await fixture.run(["purge", "--yes"]);
    assertEquals(code, 0, stderr);
    if (fault === "runner stopped") await runner.stop();
    if (fault === "runner killed") await runner.kill9();
    if (fault === "Redis restarted") {
      await fixture.redis.kill9();
      await fixture.redis.restart();
    }
    if (fault === "Redis became a replica") {
      await fixture.redis.call("REPLICAOF", "127.0.0.1", 1);
      await fixture.redis.call("REPLICAOF", "NO", "ONE");
    }
    if (fault === "its peers retired it") {
      runner.signal("SIGSTOP");
      const peer = { spool: `${fixture.dir}/b`, env: { RUNNER_TMUX_SOCKET: `${fixture.socket}-b` } };
      const other = await fixture.runner({ args, ...peer });
      await until("it is retired", async () => await fixture.redis.call("ZCARD", `rr:lease:${fixture.name}`) === 1);
      await other.stop();
      runner.signal("SIGCONT");
    }
    if (fault.startsWith("runner")) await fixture.runner({ args });
    const last = await fixture.push({ payload: log.line });
    await fixture.ended(last);
    for (const id of ids) assertEquals(await fixture.redis.call("EXISTS", `job_${id}`), 0);
    await assertClean(fixture, { ids: [last], executions: () => [1, 1] });
  });
}

Deno.test("18 a job that another host has tried again does not run once more when that host's records and Redis' data are lost", async () => {
  await using fixture = await RunnerFixture.create();
  const [log, barrier] = [new ExecutionLog(fixture.dir), new Barrier(fixture.dir)];
  const spools = ["a", "b"].map((letter) => `${fixture.dir}/${letter}`);
  const start = (i: number) =>
    fixture.runner({
      args: [...FAST, "--concurrency", "1"],
      spool: spools[i],
      env: { RUNNER_TMUX_SOCKET: `${fixture.socket}-${i}` },
    });
  const first = await start(0);
  const id = await fixture.submit("--retries", "1", "--backoff", "1s", `${log.line}; [ "$RUNNER_ATTEMPT" = 2 ]`);
  const busy = await fixture.push({ payload: `${log.line}; ${barrier.wait}` });
  await until("the other one runs", () => log.ran(busy));
  const second = await start(1);
  assertEquals((await fixture.ended(id)).status, "finished");
  const journal = () => Deno.readTextFile(`${fixture.instance(spools[0])}/runs.jsonl`);
  await until("the first host has heard of it", async () => (await journal()).includes('"end":"gone"'));
  await first.kill9();
  await second.kill9();
  await Deno.remove(spools[1], { recursive: true });
  await fixture.redis.call("FLUSHALL");
  await start(0);
  await until("it is brought back", async () => (await fixture.job(busy)).status === "started");
  await barrier.open();
  await fixture.ended(busy);
  const last = await fixture.push({ payload: log.line });
  await fixture.ended(last);
  assertEquals([await fixture.job(id), (await log.executions()).get(id)?.length], [{}, 2]);
});
