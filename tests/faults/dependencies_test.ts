import { assert, assertEquals } from "../support/assert.ts";
import { assertClean } from "../support/audit.ts";
import { ExecutionLog } from "../support/execution_log.ts";
import { until } from "../support/until.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";

const FAST = ["--heartbeat", "200ms", "--lease", "1s", "--concurrency", "8"];

/** Submits jobs from lines, in whatever order they are; returns their ids. */
async function submitAll(fixture: RunnerFixture, jobs: readonly Record<string, unknown>[]): Promise<string[]> {
  const file = `${fixture.dir}/jobs-${crypto.randomUUID()}`;
  await Deno.writeTextFile(file, jobs.map((job) => JSON.stringify(job)).join("\n"));
  const { code, stdout, stderr } = await fixture.run(["submit", "--from", file]);
  assertEquals(code, 0, stderr);
  return stdout.trim().split("\n");
}

/** Payload of a job that ends when the test lets it go. */
function held(fixture: RunnerFixture, log: ExecutionLog, name: string, code = 0): string {
  return `${log.line}; until [ -e '${fixture.dir}/${name}' ]; do sleep 0.02; done; exit ${code}`;
}

const letGo = (fixture: RunnerFixture, name: string) => Deno.writeTextFile(`${fixture.dir}/${name}`, "");

/** A minute goes by for what waits: a runner checks it again. */
async function passMinute(fixture: RunnerFixture): Promise<void> {
  const key = `rr:delay:${fixture.name}`;
  for (const id of await fixture.redis.call("ZRANGE", key, 0, -1) as string[]) {
    await fixture.redis.call("ZADD", key, "XX", 1, id);
  }
}

Deno.test("75 a runner that dies between two pages of waiting jobs leaves none behind, and none starts twice", async () => {
  await using fixture = await RunnerFixture.create();
  const log = new ExecutionLog(fixture.dir);
  const first = await fixture.submit("--id", "first", held(fixture, log, "go"));
  const children = await submitAll(
    fixture,
    Array.from({ length: 250 }, (_, i) => ({ payload: i < 20 ? log.line : "true", after: "first", id: `c${i}` })),
  );
  const failing = await fixture.submit("--id", "failing", held(fixture, log, "go", 1));
  const never = await submitAll(
    fixture,
    Array.from(
      { length: 250 },
      (_, i) => ({ payload: log.line, after: i < 10 ? "failing" : `n${i - 10}`, id: `n${i}` }),
    ),
  );
  const env = { RUNNER_CRASH_AT: "after_finish" };
  for (let died = 0; died < 2; died++) {
    const runner = await fixture.runner({ args: FAST, env, ready: false });
    if (died === 0) await until("both run", async () => await log.ran(first) && await log.ran(failing));
    await letGo(fixture, "go");
    assertEquals(await runner.ended, 137, runner.log);
  }
  await fixture.runner({ args: FAST });
  for (const id of never) assertEquals((await fixture.ended(id)).error.slice(0, 8), "skipped:", id);
  for (const id of children) assertEquals((await fixture.ended(id)).status, "finished", id);
  const bounds = (id: string): [number, number] => {
    if (id.startsWith("n")) return [0, 0];
    return id === "first" || id === "failing" || Number(id.slice(1)) < 20 ? [1, 1] : [0, 0];
  };
  await assertClean(fixture, { ids: [first, failing, ...children, ...never], log, executions: bounds });
});

Deno.test("75 another host goes on with the pages of one that is gone", async () => {
  await using fixture = await RunnerFixture.create();
  const first = await fixture.submit("--id", "first", "exit 3");
  const children = await submitAll(
    fixture,
    Array.from({ length: 250 }, (_, i) => ({ payload: "true", after: "first", id: `c${i}`, runner: "elsewhere" })),
  );
  const runner = await fixture.runner({ args: FAST, env: { RUNNER_CRASH_AT: "after_finish" }, ready: false });
  assertEquals(await runner.ended, 137, runner.log);
  assertEquals((await fixture.ended(first)).error, "exited with code 3");
  assertEquals(await fixture.redis.call("SMEMBERS", "rr:unsettled"), ["first"]);
  assertEquals(await fixture.redis.call("ZCARD", "rr:delay:elsewhere"), 150);
  // of another spool: it has no record of that end; its janitor comes by within a minute
  await fixture.runner({ args: FAST, env: { RUNNER_SPOOL: `${fixture.dir}/other` } });
  await until("all are skipped", async () => await fixture.redis.call("ZCARD", "rr:delay:elsewhere") === 0, 90_000);
  for (const id of children) assertEquals((await fixture.ended(id)).error.slice(0, 8), "skipped:", id);
  assertEquals(await fixture.redis.call("EXISTS", "rr:unsettled", "rr:after:first"), 0);
});

Deno.test("76 jobs that wait for others survive kill -9 of Redis, and start when its data is back", async () => {
  await using fixture = await RunnerFixture.create({ persistence: "aof-always" });
  const log = new ExecutionLog(fixture.dir);
  await fixture.runner({ args: FAST });
  const ids = await submitAll(fixture, [
    { id: "join", payload: log.line, after: ["a", "b"], after_end: ["c"] },
    { id: "a", payload: held(fixture, log, "a") },
    { id: "b", payload: held(fixture, log, "b") },
    { id: "c", payload: held(fixture, log, "c", 1) },
  ]);
  assertEquals(ids.at(-1), "join", "the others are queued first");
  for (const name of ["a", "b", "c"]) {
    await until(`${name} runs`, () => log.ran(name));
    assertEquals((await fixture.job("join")).status, "dispatched");
    await fixture.redis.kill9();
    await letGo(fixture, name);
    await fixture.redis.restart();
    await fixture.ended(name);
  }
  await fixture.ended("join");
  await assertClean(fixture, { ids, log });
});

Deno.test("76 after FLUSHALL a job that is submitted again waits for a running one that its host brings back", async () => {
  await using fixture = await RunnerFixture.create();
  const log = new ExecutionLog(fixture.dir);
  await fixture.runner({ args: FAST });
  await fixture.submit("--id", "first", held(fixture, log, "go"));
  await until("it runs", () => log.ran("first"));
  await fixture.submit("--id", "child", "--after", "first", log.line);
  await fixture.redis.call("FLUSHALL");
  await fixture.reaches("first", "started");
  assertEquals((await fixture.job("child")).status, undefined);
  await fixture.submit("--id", "child", "--after", "first", log.line);
  await letGo(fixture, "go");
  assertEquals((await fixture.ended("child")).status, "finished");
  await assertClean(fixture, { ids: ["first", "child"], log, dataWasLost: true });
});

Deno.test("76 a child whose parent Redis has lost for good is skipped, and one that lost only its entry is not", async () => {
  await using fixture = await RunnerFixture.create();
  const log = new ExecutionLog(fixture.dir);
  await fixture.runner({ args: FAST });
  await fixture.submit("--id", "lost", "-n", "elsewhere", log.line);
  await fixture.submit("--id", "kept", held(fixture, log, "go"));
  await until("it runs", () => log.ran("kept"));
  await fixture.submit("--id", "orphan", "--after-end", "lost", log.line);
  await fixture.submit("--id", "child", "--after", "kept", log.line);
  await fixture.redis.call("DEL", "job_lost", "rr:meta:lost", "rr:after:lost", "rr:after:kept", "runner:elsewhere");
  await passMinute(fixture);
  assertEquals((await fixture.ended("orphan")).error, 'skipped: job "lost", which must end first, is gone');
  await until("it is entered again", async () => await fixture.redis.call("EXISTS", "rr:after:kept") === 1);
  await letGo(fixture, "go");
  await fixture.ended("child");
  await assertClean(fixture, { ids: ["kept", "child"], log });
});

Deno.test("77 jobs wait for those of a foreign client, in whatever program these run", async () => {
  await using fixture = await RunnerFixture.create();
  const log = new ExecutionLog(fixture.dir);
  await fixture.runner({ args: FAST });
  // ours runs it
  await fixture.push({ payload: held(fixture, log, "go") }, "pushed");
  await fixture.submit("--id", "child", "--after", "pushed", log.line);
  // a foreign runner has it, and ends it without an event
  await fixture.redis.call("HSET", "job_foreign", "payload", "true", "status", "started");
  await fixture.redis.call("SET", "job_json", JSON.stringify({ payload: "true", status: "started" }));
  await fixture.submit("--id", "foreign-child", "--after", "foreign,json", log.line);
  await fixture.submit("--id", "never", "--after", "json", log.line);
  // pushed twice by a foreign client, too early
  await fixture.redis.call("LPUSH", `runner:${fixture.name}`, "child", "foreign-child");
  await until("both came by", async () => await fixture.redis.call("LLEN", `runner:${fixture.name}`) === 0);
  await until(
    "they are dropped",
    async () => (await fixture.redis.keys()).every((key) => !key.startsWith("rr:claim:")),
  );
  assert(!await log.ran("child") && !await log.ran("foreign-child"));
  await letGo(fixture, "go");
  await fixture.ended("child");
  await fixture.redis.call("HSET", "job_foreign", "status", "finished");
  await fixture.redis.call("SET", "job_json", JSON.stringify({ payload: "true", status: "finished" }));
  await passMinute(fixture);
  assertEquals((await fixture.ended("foreign-child")).status, "finished");
  await fixture.ended("never");
  assertEquals((await log.executions()).get("child"), ["1"]);
});

Deno.test("78 cancel and retry with --cascade reach a whole graph, and no child starts before its parent", async () => {
  await using fixture = await RunnerFixture.create();
  const log = new ExecutionLog(fixture.dir);
  const ids = await submitAll(fixture, [
    { id: "root", payload: `${log.line}; [ -e '${fixture.dir}/good' ]` },
    ...Array.from({ length: 30 }, (_, i) => ({ id: `a${i}`, payload: log.line, after: "root" })),
    { id: "join", payload: log.line, after: Array.from({ length: 30 }, (_, i) => `a${i}`) },
    { id: "last", payload: log.line, after_end: ["join"], after: ["root"] },
  ]);
  await fixture.runner({ args: FAST });
  for (const id of ids.slice(1)) assertEquals((await fixture.ended(id)).error.slice(0, 8), "skipped:", id);
  await letGo(fixture, "good");
  const retried = await fixture.run(["retry", "--cascade", "root"]);
  assertEquals(retried.code, 0, retried.stderr);
  for (const id of ids) await until(`${id} has finished`, async () => (await fixture.job(id)).status === "finished");
  const bounds = (id: string): [number, number] => id === "root" ? [2, 2] : [1, 1];
  await assertClean(fixture, { ids, log, executions: bounds, dataWasLost: true });

  const more = await submitAll(fixture, [
    { id: "running", payload: held(fixture, log, "never") },
    { id: "mid", payload: log.line, after_end: ["running"] },
    { id: "end", payload: log.line, after_end: ["mid"] },
  ]);
  await until("it runs", () => log.ran("running"));
  const cancelled = await fixture.run(["cancel", "--cascade", "--reason", "wrong branch", "running"]);
  assertEquals(cancelled.code, 0, cancelled.stderr);
  for (const id of more) assertEquals((await fixture.ended(id)).error, "cancelled: wrong branch", id);
});
