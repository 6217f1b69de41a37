import { assert, assertEquals, assertStringIncludes } from "../support/assert.ts";
import { assertClean } from "../support/audit.ts";
import { ExecutionLog } from "../support/execution_log.ts";
import { Gate, pause } from "../support/gate.ts";
import { canMount, SmallDisk, whyNoDisk } from "../support/small_disk.ts";
import { until } from "../support/until.ts";
import { World } from "../support/world.ts";

const FAST = ["--beat", "200ms", "--lease", "3s"];

Deno.test({
  name: "30 a full disk under the spool: what cannot be written down is not launched, exact codes and ends still come" +
    whyNoDisk,
  ignore: !canMount,
  fn: async () => {
    await using world = await World.create();
    const log = new ExecutionLog(world.dir);
    const gate = new Gate(world.dir);
    const spool = `${world.dir}/small`;
    await using disk = await SmallDisk.mount(spool, "1m");
    await using _terminals = { [Symbol.asyncDispose]: async () => void await world.tmux("kill-server") };
    const runner = await world.runner({ spool, args: FAST });
    await using _end = { [Symbol.asyncDispose]: () => runner.kill9() };
    const ids = [await world.push({ payload: `${log.line}; echo before; ${gate.wait}; seq 100000; exit 7` })];
    await until("it runs", () => log.ran(ids[0]));
    // everything but what is there already
    await disk!.fill();
    ids.push(await world.push({ payload: log.line }));
    await pause(1500);
    assertEquals(await log.ran(ids[1]), false, "nothing is launched that is not on disk");
    await gate.open();
    const job = await world.ended(ids[0]);
    assertEquals([job.status, job.error], ["error", "exited with code 7"]);
    assertStringIncludes(job.result, "truncated");
    assertEquals(runner.code, null, runner.log);
    await disk!.free();
    const late = await world.push({ payload: `${log.line}; echo fine` });
    assertEquals((await world.ended(late, 30_000)).result, "fine\n");
    const second = await world.ended(ids[1], 30_000);
    assert(second.status === "finished" || second.error.includes("spool"), JSON.stringify(second));
  },
});

Deno.test({
  name: "30 a full disk under the output of a job that exits with 0: wait and status say that it is not whole" +
    whyNoDisk,
  ignore: !canMount,
  fn: async () => {
    await using world = await World.create();
    const gate = new Gate(world.dir);
    const spool = `${world.dir}/small`;
    await using disk = await SmallDisk.mount(spool, "4m");
    await using _terminals = { [Symbol.asyncDispose]: async () => void await world.tmux("kill-server") };
    const runner = await world.runner({ spool, args: FAST });
    await using _end = { [Symbol.asyncDispose]: () => runner.kill9() };
    const id = await world.submit(`echo before; ${gate.wait}; seq 100000; exit 0`);
    await until("it runs", async () => (await world.run(["logs", id])).stdout.includes("before"));
    await disk!.fill();
    await gate.open();
    const waited = await world.run(["wait", id]);
    assertEquals(waited.code, 0);
    assertStringIncludes(waited.stderr, `job ${id}: its output is not whole: part of it was not captured: the disk`);
    const status = JSON.parse((await world.run(["status", "--json", id])).stdout);
    assertEquals([status.status, status.exit_code, status.output_truncated], ["finished", 0, true]);
    assertStringIncludes((await world.run(["status", id])).stdout, "bytes; part of it was not captured");
    await runner.says("truncated");
    await disk!.free();
    // what an end says of one attempt is not said of the next
    assertEquals((await world.run(["retry", id])).code, 0);
    const again = await until("it has ended again", async () => {
      const now = JSON.parse((await world.run(["status", "--json", id])).stdout);
      return now.attempt === 2 && now.status === "finished" ? now : null;
    }, 30_000);
    assertEquals(again.output_truncated, false);
    assertEquals((await world.run(["wait", id])).stderr, "");
  },
});

Deno.test("31 a spool that is deleted under a running job: the job goes on, the runner lives, and says so", async () => {
  await using world = await World.create();
  const log = new ExecutionLog(world.dir);
  const gate = new Gate(world.dir);
  const runner = await world.runner({ args: FAST });
  const id = await world.push({ payload: `${log.line}; echo before; ${gate.wait}; echo after; exit 3` });
  await until("it runs", () => log.ran(id));
  await Deno.remove(`${world.dir}/spool`, { recursive: true });
  await gate.open();
  const job = await world.ended(id, 30_000);
  assertEquals([job.status, job.error], ["error", "exited with code 3"]);
  // it may have noticed it by now: then it ends
  assert(runner.code === null || runner.log.includes("spool folder was removed"), runner.log);
});

Deno.test("31 a lock that is removed: the runner makes room for the next one, which takes up what runs", async () => {
  await using world = await World.create();
  const log = new ExecutionLog(world.dir);
  const gate = new Gate(world.dir);
  const runner = await world.runner({ args: FAST });
  const ids = [await world.push({ payload: `${log.line}; ${gate.wait}; exit 3` })];
  await until("it runs", () => log.ran(ids[0]));
  await Deno.remove(`${world.instance()}/lock`);
  assertEquals(await runner.ended, 1, runner.log);
  await world.runner({ args: FAST });
  await gate.open();
  assertEquals((await world.ended(ids[0])).error, "exited with code 3");
  await assertClean(world, { ids, log });
});

Deno.test("31 a spool that is removed under a runner: says so, waits for what runs, gives the rest back and ends", async () => {
  await using world = await World.create();
  const log = new ExecutionLog(world.dir);
  const gate = new Gate(world.dir);
  const runner = await world.runner({ args: FAST });
  // of one window: all but the first are claimed and wait for it
  const push = (payload: string) => world.push({ executor: "tmux.s.w", payload });
  const ids = [await push(`${log.line}; ${gate.wait}; exit 3`)];
  await until("it runs", () => log.ran(ids[0]));
  for (let i = 0; i < 3; i++) ids.push(await push(log.line));
  await Deno.remove(`${world.dir}/spool`, { recursive: true });
  await runner.says("spool folder was removed or replaced");
  const queued = () => world.redis.call("LRANGE", `runner:${world.name}`, 0, -1) as Promise<string[]>;
  await until("the others are back in the queue, in order", async () => {
    return (await queued()).join() === ids.slice(1).toReversed().join();
  });
  assertEquals(runner.code, null, "it waits for the job");
  await gate.open();
  assertEquals((await world.ended(ids[0])).error, "exited with code 3");
  assertEquals(await runner.ended, 1, runner.log);
  assertEquals(await world.redis.call("ZCARD", `rr:lease:${world.name}`), 0, "its instance is no longer counted");
  await world.runner({ args: FAST });
  await assertClean(world, { ids, log });
});

Deno.test("31 a second runner beside one whose spool was removed: each job runs once, and no running job is hurt", async () => {
  await using world = await World.create();
  const log = new ExecutionLog(world.dir);
  const gate = new Gate(world.dir);
  const first = await world.runner({ args: FAST });
  const ids = [await world.push({ payload: `${log.line}; ${gate.wait}; exit 3` })];
  await until("it runs", () => log.ran(ids[0]));
  await Deno.remove(`${world.dir}/spool`, { recursive: true });
  await world.runner({ args: FAST });
  for (let i = 0; i < 20; i++) ids.push(await world.push({ payload: log.line }));
  for (const id of ids.slice(1)) assertEquals((await world.ended(id)).status, "finished");
  await pause(12_000); // longer than a terminal has until it must have begun a run
  await gate.open();
  assertEquals((await world.ended(ids[0])).error, "exited with code 3");
  assertEquals(await first.ended, 1, first.log);
  await assertClean(world, { ids, log });
});

Deno.test("31 jobs that come to a spool which is gone run once, after a restart without help", async () => {
  await using world = await World.create();
  const log = new ExecutionLog(world.dir);
  let runner = await world.runner({ args: FAST });
  const ids: string[] = [];
  for (let round = 0; round < 3; round++) {
    await Deno.remove(`${world.dir}/spool`, { recursive: true });
    // no lane has that session yet: its folder would be made anew, and the rest of the spool not
    for (let i = 0; i < 4; i++) {
      ids.push(await world.push({ executor: `tmux.s${round}${i}`, payload: log.line }));
    }
    assertEquals(await runner.ended, 1, runner.log); // a supervisor starts it again
    runner = await world.runner({ args: FAST });
  }
  for (const id of ids) assertEquals((await world.ended(id)).error, "");
  await assertClean(world, { ids, log });
});

Deno.test("31 TERM ends a runner whose pipe is gone, or another file", async () => {
  await using world = await World.create();
  for (const fault of ["removed", "replaced"]) {
    const runner = await world.runner({ args: FAST });
    await world.ended(await world.push({ payload: "true" }));
    await Deno.remove(`${world.instance()}/done`);
    if (fault === "replaced") await Deno.writeTextFile(`${world.instance()}/done`, "");
    const code = await runner.stop();
    // the runner may have noticed it first
    assert(code === 0 || code === 1 && runner.log.includes("spool folder was removed"), runner.log);
  }
  await world.runner({ args: FAST });
  assertEquals((await world.ended(await world.push({ payload: "echo well" }))).result, "well\n");
});

Deno.test("31 a spool that nothing can be written into ends the start with a sentence", async () => {
  await using world = await World.create();
  await Deno.writeTextFile(`${world.dir}/file`, "");
  const runner = await world.runner({ spool: `${world.dir}/file/spool`, ready: false });
  assertEquals(await runner.ended, 1);
  assertStringIncludes(runner.log, "--spool");
});

Deno.test("32 a tmux server that is killed: its jobs are lost or have ended, and the runner goes on with a new one", async () => {
  await using world = await World.create();
  const log = new ExecutionLog(world.dir);
  const gate = new Gate(world.dir);
  const runner = await world.runner({ args: FAST });
  const ids: string[] = [];
  for (let i = 0; i < 4; i++) ids.push(await world.push({ payload: `${log.line}; echo ${i}; ${gate.wait}` }));
  await until("all run", async () => (await log.executions()).size === 4);
  await world.tmux("kill-server");
  for (const [i, id] of ids.entries()) {
    const job = await world.ended(id);
    assertEquals([job.error.slice(0, 5), job.result.split("\n")[0]], ["lost:", String(i)]);
  }
  const id = await world.push({ payload: `${log.line}; echo new` });
  assertEquals((await world.ended(id)).result, "new\n");
  assertEquals(runner.code, null);
  await assertClean(world, { ids: [...ids, id], log });
});

Deno.test("33 panes that are renamed, killed or typed into: jobs are known by their pane, not by its name", async () => {
  await using world = await World.create();
  const log = new ExecutionLog(world.dir);
  const gate = new Gate(world.dir);
  await world.runner({ args: FAST });
  const push = (window: string) =>
    world.push({ executor: `tmux.s.${window}`, payload: `${log.line}; echo ${window}; ${gate.wait}` });
  const ids = [await push("renamed"), await push("killed"), await push("typed")];
  await until("all run", async () => (await log.executions()).size === 3);
  await world.tmux("rename-window", "-t", "s:renamed", "other");
  await world.tmux("send-keys", "-t", "s:typed", "exit 9", "Enter");
  await world.tmux("rename-session", "-t", "s", "t");
  await world.tmux("kill-pane", "-t", "t:killed");
  assertEquals((await world.ended(ids[1])).error.slice(0, 5), "lost:");
  await gate.open();
  assertEquals((await world.ended(ids[0])).result, "renamed\n");
  assertEquals((await world.ended(ids[2])).status, "finished");
  await assertClean(world, { ids, log });
});

Deno.test("31 a journal of attempts that is removed while no runner lives: what may have run is not run again", async () => {
  await using world = await World.create();
  const [log, gate] = [new ExecutionLog(world.dir), new Gate(world.dir)];
  const runner = await world.runner({ args: FAST });
  const id = await world.push({ payload: `${log.line}; ${gate.wait}` });
  await until("it runs", () => log.ran(id));
  await runner.kill9();
  await Deno.remove(`${world.instance()}/runs.jsonl`);
  await world.runner({ args: FAST });
  const job = await world.ended(id);
  assertEquals([job.status, job.error.slice(0, 5)], ["error", "lost:"]);
  const next = await world.push({ payload: log.line });
  await world.ended(next);
  await gate.open();
  await assertClean(world, { ids: [id, next], log });
});

Deno.test({
  name: "30 a disk that the output of one job has filled has room again when that has ended" + whyNoDisk,
  ignore: !canMount,
  fn: async () => {
    await using world = await World.create();
    const spool = `${world.dir}/small`;
    await using _disk = await SmallDisk.mount(spool, "8m");
    await using _terminals = { [Symbol.asyncDispose]: async () => void await world.tmux("kill-server") };
    const runner = await world.runner({ spool, args: FAST });
    await using _end = { [Symbol.asyncDispose]: () => runner.kill9() };
    const large = await world.push({ payload: "head -c 12000000 /dev/zero | tr '\\0' a; exit 7" });
    const { error, result } = await world.ended(large, 60_000);
    assertStringIncludes(error, "exited with code 7");
    assertStringIncludes(result, "truncated");
    assertEquals((await world.ended(await world.push({ payload: "echo hi" }), 60_000)).result, "hi\n");
    await runner.stop();
    const next = await world.runner({ spool, args: FAST });
    await using _last = { [Symbol.asyncDispose]: () => next.kill9() };
    assertEquals((await world.ended(await world.push({ payload: "echo ho" }), 60_000)).result, "ho\n");
  },
});
