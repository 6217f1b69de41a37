import { assertEquals } from "../support/assert.ts";
import { assertClean } from "../support/audit.ts";
import { ExecutionLog } from "../support/execution_log.ts";
import { Gate } from "../support/gate.ts";
import { until } from "../support/until.ts";
import { World } from "../support/world.ts";

const FAST = ["--beat", "200ms", "--lease", "3s"];

for (const slots of [8, 16]) {
  Deno.test(`18 a master that went back to a stale copy under the same run_id runs nothing again (8 jobs, ${slots} slots)`, async () => {
    await using world = await World.create();
    const [log, gate] = [new ExecutionLog(world.dir), new Gate(world.dir)];
    const first = new Gate(world.dir, "first");
    const args = [...FAST, "--concurrency", String(slots)];
    const ids: string[] = [];
    for (let i = 0; i < 8; i++) {
      ids.push(await world.push({ payload: `${log.line}; ${i < 4 ? first.wait : gate.wait}; echo kept ${i}` }));
    }
    await using stale = await world.redis.copy();
    await world.runner({ args });
    for (const id of ids) await until("it runs", () => log.ran(id));
    await world.redis.goBackTo(stale);
    // slots become free before the next beat: the stale queue holds all eight
    await first.open();
    for (const id of ids.slice(0, 4)) await world.ended(id);
    await gate.open();
    for (const [i, id] of ids.entries()) assertEquals((await world.ended(id)).result, `kept ${i}\n`);
    ids.push(await world.push({ payload: log.line }));
    await assertClean(world, { ids, log, dataWasLost: true });
  });
}

Deno.test("18 a master that went back to a stale copy: an idle peer runs nothing that another host has", async () => {
  await using world = await World.create();
  const [log, gate] = [new ExecutionLog(world.dir), new Gate(world.dir)];
  const ids: string[] = [];
  for (let i = 0; i < 8; i++) ids.push(await world.push({ payload: `${log.line}; ${gate.wait}; echo kept ${i}` }));
  await using stale = await world.redis.copy();
  const spools = ["a", "b"].map((letter) => `${world.dir}/${letter}`);
  const start = (i: number) =>
    world.runner({
      args: [...FAST, "--concurrency", "8"],
      spool: spools[i],
      env: { RUNNER_TMUX_SOCKET: `${world.socket}-${i}` },
    });
  await start(0);
  for (const id of ids) await until("it runs", () => log.ran(id));
  await start(1);
  await world.redis.goBackTo(stale);
  await gate.open();
  for (const [i, id] of ids.entries()) assertEquals((await world.ended(id)).result, `kept ${i}\n`);
  ids.push(await world.push({ payload: log.line }));
  await assertClean(world, {
    ids,
    log,
    dataWasLost: true,
    instances: spools.map((spool) => world.instance(spool)),
  });
});

Deno.test("18 a runner that is new waits until the others have brought back what they run when Redis went back before it came", async () => {
  await using world = await World.create();
  const [log, first, gate] = [new ExecutionLog(world.dir), new Gate(world.dir, "first"), new Gate(world.dir)];
  const spools = ["a", "b"].map((letter) => `${world.dir}/${letter}`);
  const start = (i: number, beat: string) =>
    world.runner({
      args: ["--beat", beat, "--lease", "30s", "--concurrency", "1"],
      spool: spools[i],
      env: { RUNNER_TMUX_SOCKET: `${world.socket}-${i}` },
    });
  // it has no slot free, and so notices with its next beat only
  await start(0, "5s");
  const ids = [await world.push({ payload: `${log.line}; ${first.wait}; echo first` })];
  await until("it runs", () => log.ran(ids[0]));
  ids.push(await world.push({ payload: `${log.line}; ${gate.wait}; echo second` }));
  await using stale = await world.redis.copy();
  await first.open();
  await until("the next one runs", () => log.ran(ids[1]));
  await world.redis.goBackTo(stale);
  await start(1, "3s");
  await world.reaches(ids[1], "started");
  await gate.open();
  assertEquals((await world.ended(ids[0])).result, "first\n");
  assertEquals((await world.ended(ids[1])).result, "second\n");
  ids.push(await world.push({ payload: log.line }));
  await assertClean(world, {
    ids,
    log,
    dataWasLost: true,
    instances: spools.map((spool) => world.instance(spool)),
  });
});

for (const behind of ["its start", "its end"]) {
  Deno.test(`18 an attempt that is to be tried again is not begun anew when Redis goes back behind ${behind}`, async () => {
    await using world = await World.create();
    const [log, gate] = [new ExecutionLog(world.dir), new Gate(world.dir)];
    const payload = `${log.line}; ${gate.wait}; [ $RUNNER_ATTEMPT = 2 ]`;
    const id = await world.submit("--retries", "1", "--backoff", "1h..1h", payload);
    const early = await world.redis.copy();
    await world.runner({ args: FAST });
    await until("it runs", () => log.ran(id));
    const late = await world.redis.copy();
    await gate.open();
    await world.reaches(id, "dispatched");
    await world.redis.goBackTo(behind === "its start" ? early : late);
    assertEquals((await world.ended(id)).status, "finished");
    await assertClean(world, { ids: [id], log, executions: () => [2, 2], dataWasLost: true });
    for (const copy of [early, late]) await copy[Symbol.asyncDispose]();
  });
}

for (const end of ["kill9", "stop"] as const) {
  Deno.test(`19 FLUSHALL while no runner lives (${end}): every end is told again, and what runs goes on`, async () => {
    await using world = await World.create();
    const [log, gate] = [new ExecutionLog(world.dir), new Gate(world.dir)];
    const args = [...FAST, "--concurrency", "8"];
    const runner = await world.runner({ args });
    const ended: string[] = [];
    for (let i = 0; i < 20; i++) ended.push(await world.push({ payload: `${log.line}; echo ${i}` }));
    for (const id of ended) await world.ended(id);
    const running: string[] = [];
    // with nothing that runs, a runner that stops leaves its instance
    for (let i = 0; end === "kill9" && i < 4; i++) {
      running.push(await world.push({ payload: `${log.line}; ${gate.wait}; echo kept` }));
      await until("it runs", () => log.ran(running[i]));
    }
    await runner[end]();
    await world.redis.call("FLUSHALL");
    await world.runner({ args });
    for (const [i, id] of ended.entries()) assertEquals((await world.ended(id)).result, `${i}\n`);
    for (const id of running) await world.reaches(id, "started");
    await gate.open();
    for (const id of running) assertEquals((await world.ended(id)).result, "kept\n");
    await assertClean(world, { ids: [...ended, ...running], log, dataWasLost: true });
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
    await using world = await World.create({ persistence: "aof-always" });
    const log = new ExecutionLog(world.dir);
    const args = [...FAST, "--concurrency", "8"];
    const runner = await world.runner({ args });
    const ids: string[] = [];
    for (let i = 0; i < 20; i++) ids.push(await world.push({ payload: log.line }));
    for (const id of ids) await world.ended(id);
    const { code, stderr } = await world.run(["purge", "--yes"]);
    assertEquals(code, 0, stderr);
    if (fault === "runner stopped") await runner.stop();
    if (fault === "runner killed") await runner.kill9();
    if (fault === "Redis restarted") {
      await world.redis.kill9();
      await world.redis.restart();
    }
    if (fault === "Redis became a replica") {
      await world.redis.call("REPLICAOF", "127.0.0.1", 1);
      await world.redis.call("REPLICAOF", "NO", "ONE");
    }
    if (fault === "its peers retired it") {
      runner.signal("SIGSTOP");
      const peer = { spool: `${world.dir}/b`, env: { RUNNER_TMUX_SOCKET: `${world.socket}-b` } };
      const other = await world.runner({ args, ...peer });
      await until("it is retired", async () => await world.redis.call("ZCARD", `rr:lease:${world.name}`) === 1);
      await other.stop();
      runner.signal("SIGCONT");
    }
    if (fault.startsWith("runner")) await world.runner({ args });
    const last = await world.push({ payload: log.line });
    await world.ended(last);
    for (const id of ids) assertEquals(await world.redis.call("EXISTS", `job_${id}`), 0);
    await assertClean(world, { ids: [last], executions: () => [1, 1] });
  });
}
