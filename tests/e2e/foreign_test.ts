import { assertEquals, assertMatch, assertStringIncludes } from "../support/assert.ts";
import { until } from "../support/until.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";

Deno.test("a job of a program that only uses HSET and LPUSH runs", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner();
  const id = await fixture.push({ payload: "echo hello" });
  const job = await fixture.ended(id);
  assertEquals([job.status, job.result, job.error], ["finished", "hello\n", ""]);
  assertMatch(job.updated_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  const expected = ["error", "payload", "result", "status", "updated_at"];
  assertEquals(Object.keys(job).sort(), expected, "no other fields are written into the job");
});

Deno.test("a job that is pushed before it is written runs, and so does one that is a JSON string", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner();
  await fixture.redis.call("LPUSH", `runner:${fixture.name}`, "late");
  const json = { id: "json", payload: "echo $N", status: "dispatched", timeout: 30, env_vars: { N: 12 } };
  await fixture.redis.call("SET", "job_json", JSON.stringify(json));
  await fixture.redis.call("LPUSH", `runner:${fixture.name}`, "json");
  await until("the id was claimed", async () => await fixture.redis.call("LLEN", `runner:${fixture.name}`) === 0);
  await fixture.redis.call("HSET", "job_late", "payload", "echo late");
  assertEquals((await fixture.ended("late")).result, "late\n");
  assertEquals((await fixture.ended("json")).result, "12\n");
});

Deno.test("poison becomes a dead letter and does not stop the jobs behind it", async () => {
  await using fixture = await RunnerFixture.create();
  const queue = `runner:${fixture.name}`;
  await fixture.redis.call("LPUSH", queue, "no-such-job");
  await fixture.redis.call("LPUSH", queue, "");
  await fixture.redis.call("LPUSH", queue, new Uint8Array([0xff, 0xfe, 0x41]));
  await fixture.redis.call("LPUSH", queue, "x".repeat(600));
  await fixture.redis.call("LPUSH", queue, '{"id":"whole job in the queue"}');
  await fixture.redis.call("LPUSH", "job_list", "not a job");
  await fixture.redis.call("LPUSH", queue, "list");
  await fixture.redis.call("HSET", "job_odd", "payload", "true", "status", "what?");
  await fixture.redis.call("LPUSH", queue, "odd");
  const good = await fixture.push({ payload: "echo good" });
  await fixture.runner();
  assertEquals((await fixture.ended(good)).result, "good\n");
  await until("all poison becomes a dead letter", async () => await fixture.redis.call("ZCARD", "rr:dead") === 7);
  const claims = (await fixture.redis.keys()).filter((key) => key.startsWith("rr:claim:"));
  assertEquals(claims, []);
  assertEquals(await fixture.redis.call("LRANGE", "job_list", 0, -1), ["not a job"]);
});

Deno.test("an id that is queued several times runs once", async () => {
  await using fixture = await RunnerFixture.create();
  const log = `${fixture.dir}/log`;
  await fixture.redis.call("HSET", "job_twin", "payload", `echo ran >> ${log}; sleep 0.3`);
  for (let i = 0; i < 3; i++) await fixture.redis.call("LPUSH", `runner:${fixture.name}`, "twin");
  await fixture.runner();
  await fixture.reaches("twin", "started");
  await fixture.redis.call("LPUSH", `runner:${fixture.name}`, "twin");
  await fixture.ended("twin");
  await fixture.redis.call("LPUSH", `runner:${fixture.name}`, "twin");
  const last = await fixture.push({ payload: "true" });
  await fixture.ended(last);
  assertEquals(await Deno.readTextFile(log), "ran\n");
});

Deno.test("ids of any form run without touching anything outside the spool", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner();
  for (
    const id of ["../../x", "a:b", "a.b", "🎉", "x".repeat(512), "new\nline", "%s", "{x}", "-rf", "$(id)", "a b;c"]
  ) {
    const job = await fixture.ended(await fixture.push({ payload: 'printf %s "$RUNNER_JOB_ID"' }, id));
    assertEquals([job.status, job.result], ["finished", id]);
  }
});

Deno.test("a job for another runner is moved to its queue", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner();
  const id = await fixture.push({ payload: "true", runner: "somebody-else" });
  await until("it is moved", async () => await fixture.redis.call("LLEN", "runner:somebody-else") === 1);
  assertEquals((await fixture.job(id)).payload, "true");
});

Deno.test("a job that cannot be run ends with a sentence", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner();
  const cases: [Record<string, string>, string][] = [
    [{ payload: "true", executor: "screen.x" }, "no executor"],
    [{ payload: "true", executor: "tmux.a:b" }, "Cannot use executor"],
    [{ payload: "true", env_vars: '{"A B":"secret"}' }, "Cannot set environment variable"],
    [{ payload: "true", env_vars: "{" }, "env_vars is no JSON object"],
    [{ payload: "a\0b" }, "NUL"],
  ];
  for (const [fields, text] of cases) {
    const job = await fixture.ended(await fixture.push(fields));
    assertEquals(job.status, "error");
    assertStringIncludes(job.error, text);
    assertEquals(job.error.includes("secret"), false);
  }
});

Deno.test("a foreign program that ends a running job stops it, and keeps its verdict", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner({ args: ["--heartbeat", "200ms", "--kill-grace", "1s"] });
  const id = await fixture.push({ payload: `sleep 300; echo late > ${fixture.dir}/late` });
  await fixture.reaches(id, "started");
  await fixture.redis.call("HSET", `job_${id}`, "status", "error", "error", "stopped by the other program");
  await until("nothing runs", async () => await fixture.redis.call("EXISTS", ...await runKeys(fixture)) === 0);
  assertEquals((await fixture.job(id)).error, "stopped by the other program");
});

async function runKeys(fixture: RunnerFixture): Promise<string[]> {
  const keys = (await fixture.redis.keys()).filter((key) => key.startsWith("rr:attempts:"));
  return keys.length > 0 ? keys : ["none"];
}
