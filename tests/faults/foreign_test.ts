import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { assertClean, audit } from "../support/audit.ts";
import { ExecutionLog } from "../support/execution_log.ts";
import { Barrier, pause } from "../support/barrier.ts";
import { until } from "../support/until.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";

const FAST = ["--heartbeat", "200ms", "--lease", "3s", "--kill-grace", "500ms"];

Deno.test("36 a script or a batch of 513 MB is refused with a sentence, and nothing of it is queued", async () => {
  await using fixture = await RunnerFixture.create();
  const path = `${fixture.dir}/large`;
  using file = await Deno.open(path, { create: true, write: true });
  await file.truncate(513 << 20);
  for (const [option, why] of [["--script", "more than 1048576"], ["--from", "more than 16777216"]]) {
    const { code, stdout, stderr } = await fixture.run(["submit", option, path]);
    assertEquals([code, stdout], [2, ""]);
    assertMatch(stderr, new RegExp(`^runner: Cannot submit[^\n]* ${why}[^\n]*\n$`));
  }
  const folder = await fixture.run(["submit", "--script", fixture.dir]);
  assertEquals([folder.code, folder.stderr.includes("it is a folder")], [2, true], folder.stderr);
  assertEquals(await fixture.redis.keys(), []);
});

Deno.test("47 a thousand poison ids before a good job: it starts soon, and the list of the dead is capped", async () => {
  await using fixture = await RunnerFixture.create();
  for (let i = 0; i < 1000; i++) await fixture.redis.call("LPUSH", `runner:${fixture.name}`, `${"x".repeat(600)}${i}`);
  for (let i = 0; i < 100; i++) await fixture.redis.call("LPUSH", `runner:${fixture.name}`, `nothing-${i}`);
  const id = await fixture.push({ payload: "echo good" });
  const begun = performance.now();
  await fixture.runner({ args: FAST });
  assertEquals((await fixture.ended(id, 60_000)).result, "good\n");
  const ms = performance.now() - begun;
  console.log(`      a good job behind 1,100 poison ids ended after ${ms.toFixed(0)} ms`);
  await until("all poison becomes a dead letter", async () => await fixture.redis.call("ZCARD", "rr:dead") === 1000);
  assertEquals(await audit(fixture, { ids: [] }).then((all) => all.filter((one) => !one.includes(id))), []);
});

Deno.test("48 another program that writes dispatched or finished over a running job does not make it run twice", async () => {
  await using fixture = await RunnerFixture.create();
  const log = new ExecutionLog(fixture.dir);
  const barrier = new Barrier(fixture.dir);
  await fixture.runner({ args: FAST });
  const ids = [
    await fixture.push({ payload: `${log.line}; ${barrier.wait}; echo mine` }),
    await fixture.push({ payload: `${log.line}; sleep 60` }),
  ];
  await until("both run", async () => (await log.executions()).size === 2);
  await fixture.redis.call("HSET", `job_${ids[0]}`, "status", "dispatched");
  await fixture.redis.call("HSET", `job_${ids[1]}`, "status", "finished", "result", "theirs");
  await fixture.reaches(ids[0], "started");
  await barrier.open();
  assertEquals((await fixture.ended(ids[0])).result, "mine\n");
  await until(
    "the other one is stopped",
    async () => (await fixture.redis.keys()).every((key) => !key.startsWith("rr:attempts:")),
  );
  assertEquals((await fixture.job(ids[1])).result, "theirs");
  await assertClean(fixture, { ids, log });
});

Deno.test("49 a job that is deleted while it waits becomes a dead letter, one that is deleted while it runs comes back", async () => {
  await using fixture = await RunnerFixture.create();
  const log = new ExecutionLog(fixture.dir);
  const barrier = new Barrier(fixture.dir);
  await fixture.runner({ args: [...FAST, "--concurrency", "1"] });
  const running = await fixture.push({ payload: `${log.line}; ${barrier.wait}; echo kept` });
  await until("it runs", () => log.ran(running));
  const waiting = await fixture.push({ payload: log.line });
  await fixture.redis.call("DEL", `job_${running}`, `job_${waiting}`);
  await fixture.reaches(running, "started");
  await barrier.open();
  assertEquals((await fixture.ended(running)).result, "kept\n");
  await until("the other becomes a dead letter", async () => await fixture.redis.call("ZCARD", "rr:dead") === 1);
  await assertClean(fixture, { ids: [running], log, dataWasLost: true });
});

Deno.test("50 a job that is cancelled at any moment has one end, and runs once at the most", async () => {
  await using fixture = await RunnerFixture.create();
  const log = new ExecutionLog(fixture.dir);
  await fixture.runner({ args: FAST });
  const ids: string[] = [];
  const pid = Deno.pid;
  for (let i = 0; i < 12; i++) {
    const id = await fixture.push({ payload: `${log.line}; sleep 0.3; echo whole` }, `c${i}`);
    ids.push(id);
    await pause(i * 40); // another moment each time
    // what `runner cancel` does, without its start of a program
    const state = await fixture.redis.call("HGET", `job_${id}`, "status");
    if (state === "started") await fixture.redis.call("HSET", `rr:meta:${id}`, "cancel", `by ${pid}`);
    else if (state !== "finished") await fixture.run(["cancel", id]);
    const job = await fixture.ended(id);
    const whole = job.status === "finished" && job.result === "whole\n";
    assert(whole || job.error.startsWith("cancelled"), JSON.stringify(job));
  }
  const queued = await fixture.run(["submit", "--in", "1h", "true"]);
  await fixture.run(["cancel", queued.stdout.trim()]);
  assertEquals((await fixture.ended(queued.stdout.trim())).error, "cancelled");
  await assertClean(fixture, { ids, log, executions: () => [0, 1] });
});
