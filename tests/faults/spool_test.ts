import { assert, assertEquals, assertStringIncludes } from "../support/assert.ts";
import { assertClean } from "../support/audit.ts";
import { ExecutionLog } from "../support/execution_log.ts";
import { Barrier, pause } from "../support/barrier.ts";
import { canMount, SmallDisk, whyNoDisk } from "../support/small_disk.ts";
import { until } from "../support/until.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";

const FAST = ["--heartbeat", "200ms", "--lease", "3s"];

Deno.test({
  name: "30 a full disk under the spool: what cannot be written down is not launched, exact codes and ends still come" +
    whyNoDisk,
  ignore: !canMount,
  fn: async () => {
    await using fixture = await RunnerFixture.create();
    const log = new ExecutionLog(fixture.dir);
    const barrier = new Barrier(fixture.dir);
    const spool = `${fixture.dir}/small`;
    await using disk = await SmallDisk.mount(spool, "1m");
    await using _terminals = { [Symbol.asyncDispose]: async () => void await fixture.tmux("kill-server") };
    const runner = await fixture.runner({ spool, args: FAST });
    await using _end = { [Symbol.asyncDispose]: () => runner.kill9() };
    const ids = [await fixture.push({ payload: `${log.line}; echo before; ${barrier.wait}; seq 100000; exit 7` })];
    await until("it runs", () => log.ran(ids[0]));
    // everything but what is there already
    await disk!.fill();
    ids.push(await fixture.push({ payload: log.line }));
    await until("it is given back", () => fixture.redis.call("ZSCORE", `rr:delay:${fixture.name}`, ids[1]));
    assertEquals(await log.ran(ids[1]), false, "nothing is launched that is not on disk");
    await barrier.open();
    const job = await fixture.ended(ids[0]);
    assertEquals([job.status, job.error], ["error", "exited with code 7"]);
    assertStringIncludes(job.result, "truncated");
    assertEquals(runner.code, null, runner.log);
    await disk!.free();
    const late = await fixture.push({ payload: `${log.line}; echo fine` });
    assertEquals((await fixture.ended(late, 30_000)).result, "fine\n");
    const second = await fixture.ended(ids[1], 30_000);
    assert(second.status === "finished" || second.error.includes("spool"), JSON.stringify(second));
  },
});

Deno.test({
  name: "30 a full disk under the output of a job that exits with 0: wait and status say that it is not whole" +
    whyNoDisk,
  ignore: !canMount,
  fn: async () => {
    await using fixture = await RunnerFixture.create();
    const barrier = new Barrier(fixture.dir);
    const spool = `${fixture.dir}/small`;
    await using disk = await SmallDisk.mount(spool, "4m");
    await using _terminals = { [Symbol.asyncDispose]: async () => void await fixture.tmux("kill-server") };
    const runner = await fixture.runner({ spool, args: FAST });
    await using _end = { [Symbol.asyncDispose]: () => runner.kill9() };
    const id = await fixture.submit(`echo before; ${barrier.wait}; seq 100000; exit 0`);
    await until("it runs", async () => (await fixture.run(["logs", id])).stdout.includes("before"));
    await disk!.fill();
    await barrier.open();
    const waited = await fixture.run(["wait", id]);
    assertEquals(waited.code, 0);
    assertStringIncludes(waited.stderr, `job ${id}: its output is not whole: part of it was not captured: the disk`);
    const status = JSON.parse((await fixture.run(["status", "--json", id])).stdout);
    assertEquals([status.status, status.exit_code, status.output_truncated], ["finished", 0, true]);
    assertStringIncludes((await fixture.run(["status", id])).stdout, "bytes; part of it was not captured");
    await runner.says("truncated");
    await disk!.free();
    // what an end says of one attempt is not said of the next
    assertEquals((await fixture.run(["retry", id])).code, 0);
    const again = await until("it has ended again", async () => {
      const now = JSON.parse((await fixture.run(["status", "--json", id])).stdout);
      return now.attempt === 2 && now.status === "finished" ? now : null;
    }, 30_000);
    assertEquals(again.output_truncated, false);
    assertEquals((await fixture.run(["wait", id])).stderr, "");
  },
});

Deno.test("31 a spool that is deleted under a running job: the job goes on, the runner lives, and says so", async () => {
  await using fixture = await RunnerFixture.create();
  const log = new ExecutionLog(fixture.dir);
  const barrier = new Barrier(fixture.dir);
  const runner = await fixture.runner({ args: FAST });
  const id = await fixture.push({ payload: `${log.line}; echo before; ${barrier.wait}; echo after; exit 3` });
  await until("it runs", () => log.ran(id));
  await Deno.remove(`${fixture.dir}/spool`, { recursive: true });
  await barrier.open();
  const job = await fixture.ended(id, 30_000);
  assertEquals([job.status, job.error], ["error", "exited with code 3"]);
  // it may have noticed it by now: then it ends
  assert(runner.code === null || runner.log.includes("spool folder was removed"), runner.log);
});

Deno.test("31 a lock that is removed: the runner makes room for the next one, which adopts what runs", async () => {
  await using fixture = await RunnerFixture.create();
  const log = new ExecutionLog(fixture.dir);
  const barrier = new Barrier(fixture.dir);
  const runner = await fixture.runner({ args: FAST });
  const ids = [await fixture.push({ payload: `${log.line}; ${barrier.wait}; exit 3` })];
  await until("it runs", () => log.ran(ids[0]));
  await Deno.remove(`${fixture.instance()}/lock`);
  assertEquals(await runner.ended, 1, runner.log);
  await fixture.runner({ args: FAST });
  await barrier.open();
  assertEquals((await fixture.ended(ids[0])).error, "exited with code 3");
  await assertClean(fixture, { ids, log });
});

Deno.test("31 a spool that is removed under a runner: says so, waits for what runs, gives the rest back and ends", async () => {
  await using fixture = await RunnerFixture.create();
  const log = new ExecutionLog(fixture.dir);
  const barrier = new Barrier(fixture.dir);
  const runner = await fixture.runner({ args: FAST });
  // of one window: all but the first are claimed and wait for it
  const push = (payload: string) => fixture.push({ executor: "tmux.s.w", payload });
  const ids = [await push(`${log.line}; ${barrier.wait}; exit 3`)];
  await until("it runs", () => log.ran(ids[0]));
  for (let i = 0; i < 3; i++) ids.push(await push(log.line));
  await Deno.remove(`${fixture.dir}/spool`, { recursive: true });
  await runner.says("spool folder was removed or replaced");
  const queued = () => fixture.redis.call("LRANGE", `runner:${fixture.name}`, 0, -1) as Promise<string[]>;
  await until("the others are back in the queue, in order", async () => {
    return (await queued()).join() === ids.slice(1).toReversed().join();
  });
  assertEquals(runner.code, null, "it waits for the job");
  await barrier.open();
  assertEquals((await fixture.ended(ids[0])).error, "exited with code 3");
  assertEquals(await runner.ended, 1, runner.log);
  assertEquals(await fixture.redis.call("ZCARD", `rr:lease:${fixture.name}`), 0, "its instance is no longer counted");
  await fixture.runner({ args: FAST });
  await assertClean(fixture, { ids, log });
});

Deno.test("31 a second runner beside one whose spool was removed: each job runs once, and no running job is hurt", async () => {
  await using fixture = await RunnerFixture.create();
  const log = new ExecutionLog(fixture.dir);
  const barrier = new Barrier(fixture.dir);
  const first = await fixture.runner({ args: FAST });
  const ids = [await fixture.push({ payload: `${log.line}; ${barrier.wait}; exit 3` })];
  await until("it runs", () => log.ran(ids[0]));
  await Deno.remove(`${fixture.dir}/spool`, { recursive: true });
  await fixture.runner({ args: FAST });
  for (let i = 0; i < 20; i++) ids.push(await fixture.push({ payload: log.line }));
  for (const id of ids.slice(1)) assertEquals((await fixture.ended(id)).status, "finished");
  await pause(12_000); // longer than a terminal has until it must have begun a run
  await barrier.open();
  assertEquals((await fixture.ended(ids[0])).error, "exited with code 3");
  assertEquals(await first.ended, 1, first.log);
  await assertClean(fixture, { ids, log });
});

Deno.test("31 jobs that come to a spool which is gone run once, after a restart without help", async () => {
  await using fixture = await RunnerFixture.create();
  const log = new ExecutionLog(fixture.dir);
  let runner = await fixture.runner({ args: FAST });
  const ids: string[] = [];
  for (let round = 0; round < 3; round++) {
    await Deno.remove(`${fixture.dir}/spool`, { recursive: true });
    // no lane has that session yet: its folder would be made anew, and the rest of the spool not
    for (let i = 0; i < 4; i++) {
      ids.push(await fixture.push({ executor: `tmux.s${round}${i}`, payload: log.line }));
    }
    assertEquals(await runner.ended, 1, runner.log); // a supervisor starts it again
    runner = await fixture.runner({ args: FAST });
  }
  for (const id of ids) assertEquals((await fixture.ended(id)).error, "");
  await assertClean(fixture, { ids, log });
});

Deno.test("31 TERM ends a runner whose pipe is gone, or another file", async () => {
  await using fixture = await RunnerFixture.create();
  for (const fault of ["removed", "replaced"]) {
    const runner = await fixture.runner({ args: FAST });
    await fixture.ended(await fixture.push({ payload: "true" }));
    await Deno.remove(`${fixture.instance()}/done`);
    if (fault === "replaced") await Deno.writeTextFile(`${fixture.instance()}/done`, "");
    const code = await runner.stop();
    // the runner may have noticed it first
    assert(code === 0 || code === 1 && runner.log.includes("spool folder was removed"), runner.log);
  }
  await fixture.runner({ args: FAST });
  assertEquals((await fixture.ended(await fixture.push({ payload: "echo well" }))).result, "well\n");
});

Deno.test("31 a spool that nothing can be written into ends the start with a sentence", async () => {
  await using fixture = await RunnerFixture.create();
  await Deno.writeTextFile(`${fixture.dir}/file`, "");
  const runner = await fixture.runner({ spool: `${fixture.dir}/file/spool`, ready: false });
  assertEquals(await runner.ended, 1);
  assertStringIncludes(runner.log, "--spool");
});

Deno.test("32 a tmux server that is killed: its jobs are lost or have ended, and the runner goes on with a new one", async () => {
  await using fixture = await RunnerFixture.create();
  const log = new ExecutionLog(fixture.dir);
  const barrier = new Barrier(fixture.dir);
  const runner = await fixture.runner({ args: FAST });
  const ids: string[] = [];
  for (let i = 0; i < 4; i++) ids.push(await fixture.push({ payload: `${log.line}; echo ${i}; ${barrier.wait}` }));
  await until("all run", async () => (await log.executions()).size === 4);
  await fixture.tmux("kill-server");
  for (const [i, id] of ids.entries()) {
    const job = await fixture.ended(id);
    assertEquals([job.error.slice(0, 5), job.result.split("\n")[0]], ["lost:", String(i)]);
  }
  const id = await fixture.push({ payload: `${log.line}; echo new` });
  assertEquals((await fixture.ended(id)).result, "new\n");
  assertEquals(runner.code, null);
  await assertClean(fixture, { ids: [...ids, id], log });
});

Deno.test("33 panes that are renamed, killed or typed into: jobs are known by their pane, not by its name", async () => {
  await using fixture = await RunnerFixture.create();
  const log = new ExecutionLog(fixture.dir);
  const barrier = new Barrier(fixture.dir);
  await fixture.runner({ args: FAST });
  const push = (window: string) =>
    fixture.push({ executor: `tmux.s.${window}`, payload: `${log.line}; echo ${window}; ${barrier.wait}` });
  const ids = [await push("renamed"), await push("killed"), await push("typed")];
  await until("all run", async () => (await log.executions()).size === 3);
  await fixture.tmux("rename-window", "-t", "s:renamed", "other");
  await fixture.tmux("send-keys", "-t", "s:typed", "exit 9", "Enter");
  await fixture.tmux("rename-session", "-t", "s", "t");
  await fixture.tmux("kill-pane", "-t", "t:killed");
  assertEquals((await fixture.ended(ids[1])).error.slice(0, 5), "lost:");
  await barrier.open();
  assertEquals((await fixture.ended(ids[0])).result, "renamed\n");
  assertEquals((await fixture.ended(ids[2])).status, "finished");
  await assertClean(fixture, { ids, log });
});

Deno.test("31 a journal of attempts that is removed while no runner lives: what may have run is not run again", async () => {
  await using fixture = await RunnerFixture.create();
  const [log, barrier] = [new ExecutionLog(fixture.dir), new Barrier(fixture.dir)];
  const runner = await fixture.runner({ args: FAST });
  const id = await fixture.push({ payload: `${log.line}; ${barrier.wait}` });
  await until("it runs", () => log.ran(id));
  await runner.kill9();
  await Deno.remove(`${fixture.instance()}/runs.jsonl`);
  await fixture.runner({ args: FAST });
  const job = await fixture.ended(id);
  assertEquals([job.status, job.error.slice(0, 5)], ["error", "lost:"]);
  const next = await fixture.push({ payload: log.line });
  await fixture.ended(next);
  await barrier.open();
  await assertClean(fixture, { ids: [id, next], log });
});

Deno.test({
  name: "30 a disk that the output of one job has filled has room again when that has ended" + whyNoDisk,
  ignore: !canMount,
  fn: async () => {
    await using fixture = await RunnerFixture.create();
    const spool = `${fixture.dir}/small`;
    await using _disk = await SmallDisk.mount(spool, "8m");
    await using _terminals = { [Symbol.asyncDispose]: async () => void await fixture.tmux("kill-server") };
    const runner = await fixture.runner({ spool, args: FAST });
    await using _end = { [Symbol.asyncDispose]: () => runner.kill9() };
    const large = await fixture.push({ payload: "head -c 12000000 /dev/zero | tr '\\0' a; exit 7" });
    const { error, result } = await fixture.ended(large, 60_000);
    assertStringIncludes(error, "exited with code 7");
    assertStringIncludes(result, "truncated");
    assertEquals((await fixture.ended(await fixture.push({ payload: "echo hi" }), 60_000)).result, "hi\n");
    await runner.stop();
    const next = await fixture.runner({ spool, args: FAST });
    await using _last = { [Symbol.asyncDispose]: () => next.kill9() };
    assertEquals((await fixture.ended(await fixture.push({ payload: "echo ho" }), 60_000)).result, "ho\n");
  },
});
