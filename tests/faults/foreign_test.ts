import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { assertClean, audit } from "../support/audit.ts";
import { ExecutionLog } from "../support/execution_log.ts";
import { Gate, pause } from "../support/gate.ts";
import { until } from "../support/until.ts";
import { World } from "../support/world.ts";

const FAST = ["--beat", "200ms", "--lease", "3s", "--kill-grace", "500ms"];

Deno.test("36 a script or a batch of 513 MB is refused with a sentence, and nothing of it is queued", async () => {
  await using world = await World.create();
  const path = `${world.dir}/large`;
  using file = await Deno.open(path, { create: true, write: true });
  await file.truncate(513 << 20);
  for (const [option, why] of [["--script", "more than 1048576"], ["--from", "more than 16777216"]]) {
    const { code, stdout, stderr } = await world.run(["submit", option, path]);
    assertEquals([code, stdout], [2, ""]);
    assertMatch(stderr, new RegExp(`^runner: Cannot submit[^\n]* ${why}[^\n]*\n$`));
  }
  const folder = await world.run(["submit", "--script", world.dir]);
  assertEquals([folder.code, folder.stderr.includes("it is a folder")], [2, true], folder.stderr);
  assertEquals(await world.redis.keys(), []);
});

Deno.test("47 a thousand poison ids before a good job: it starts soon, and the list of the dead is capped", async () => {
  await using world = await World.create();
  for (let i = 0; i < 1000; i++) await world.redis.call("LPUSH", `runner:${world.name}`, `${"x".repeat(600)}${i}`);
  for (let i = 0; i < 100; i++) await world.redis.call("LPUSH", `runner:${world.name}`, `nothing-${i}`);
  const id = await world.push({ payload: "echo good" });
  const begun = performance.now();
  await world.runner({ args: FAST });
  assertEquals((await world.ended(id, 60_000)).result, "good\n");
  const ms = performance.now() - begun;
  console.log(`      a good job behind 1,100 poison ids ended after ${ms.toFixed(0)} ms`);
  await until("all poison is put aside", async () => await world.redis.call("ZCARD", "rr:dead") === 1000);
  assertEquals(await audit(world, { ids: [] }).then((all) => all.filter((one) => !one.includes(id))), []);
});

Deno.test("48 another program that writes dispatched or finished over a running job does not make it run twice", async () => {
  await using world = await World.create();
  const log = new ExecutionLog(world.dir);
  const gate = new Gate(world.dir);
  await world.runner({ args: FAST });
  const ids = [
    await world.push({ payload: `${log.line}; ${gate.wait}; echo mine` }),
    await world.push({ payload: `${log.line}; sleep 60` }),
  ];
  await until("both run", async () => (await log.executions()).size === 2);
  await world.redis.call("HSET", `job_${ids[0]}`, "status", "dispatched");
  await world.redis.call("HSET", `job_${ids[1]}`, "status", "finished", "result", "theirs");
  await world.reaches(ids[0], "started");
  await gate.open();
  assertEquals((await world.ended(ids[0])).result, "mine\n");
  await until(
    "the other one is stopped",
    async () => (await world.redis.keys()).every((key) => !key.startsWith("rr:run:")),
  );
  assertEquals((await world.job(ids[1])).result, "theirs");
  await assertClean(world, { ids, log });
});

Deno.test("49 a job that is deleted while it waits is put aside, one that is deleted while it runs comes back", async () => {
  await using world = await World.create();
  const log = new ExecutionLog(world.dir);
  const gate = new Gate(world.dir);
  await world.runner({ args: [...FAST, "--concurrency", "1"] });
  const running = await world.push({ payload: `${log.line}; ${gate.wait}; echo kept` });
  await until("it runs", () => log.ran(running));
  const waiting = await world.push({ payload: log.line });
  await world.redis.call("DEL", `job_${running}`, `job_${waiting}`);
  await world.reaches(running, "started");
  await gate.open();
  assertEquals((await world.ended(running)).result, "kept\n");
  await until("the other is put aside", async () => await world.redis.call("ZCARD", "rr:dead") === 1);
  await assertClean(world, { ids: [running], log, dataWasLost: true });
});

Deno.test("50 a job that is cancelled at any moment has one end, and runs once at the most", async () => {
  await using world = await World.create();
  const log = new ExecutionLog(world.dir);
  await world.runner({ args: FAST });
  const ids: string[] = [];
  const pid = Deno.pid;
  for (let i = 0; i < 12; i++) {
    const id = await world.push({ payload: `${log.line}; sleep 0.3; echo whole` }, `c${i}`);
    ids.push(id);
    await pause(i * 40);
    // what `runner cancel` does, without its start of a program
    const state = await world.redis.call("HGET", `job_${id}`, "status");
    if (state === "started") await world.redis.call("HSET", `rr:x:${id}`, "cancel", `by ${pid}`);
    else if (state !== "finished") await world.run(["cancel", id]);
    const job = await world.ended(id);
    const whole = job.status === "finished" && job.result === "whole\n";
    assert(whole || job.error.startsWith("cancelled"), JSON.stringify(job));
  }
  const queued = await world.run(["submit", "--in", "1h", "true"]);
  await world.run(["cancel", queued.stdout.trim()]);
  assertEquals((await world.ended(queued.stdout.trim())).error, "cancelled");
  await assertClean(world, { ids, log, executions: () => [0, 1] });
});
