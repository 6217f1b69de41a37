import { assertEquals, assertMatch, assertStringIncludes } from "../support/assert.ts";
import { until } from "../support/until.ts";
import { World } from "../support/world.ts";

Deno.test("a job of a program that only knows HSET and LPUSH runs", async () => {
  await using world = await World.create();
  await world.runner();
  const id = await world.push({ payload: "echo hello" });
  const job = await world.ended(id);
  assertEquals([job.status, job.result, job.error], ["finished", "hello\n", ""]);
  assertMatch(job.updated_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  const expected = ["error", "payload", "result", "status", "updated_at"];
  assertEquals(Object.keys(job).sort(), expected, "no other fields are written into the job");
});

Deno.test("a job that is pushed before it is written runs, and so does one that is a JSON string", async () => {
  await using world = await World.create();
  await world.runner();
  await world.redis.call("LPUSH", `runner:${world.name}`, "late");
  const json = { id: "json", payload: "echo $N", status: "dispatched", timeout: 30, env_vars: { N: 12 } };
  await world.redis.call("SET", "job_json", JSON.stringify(json));
  await world.redis.call("LPUSH", `runner:${world.name}`, "json");
  await until("the id was claimed", async () => await world.redis.call("LLEN", `runner:${world.name}`) === 0);
  await world.redis.call("HSET", "job_late", "payload", "echo late");
  assertEquals((await world.ended("late")).result, "late\n");
  assertEquals((await world.ended("json")).result, "12\n");
});

Deno.test("poison is put aside and does not stop the jobs behind it", async () => {
  await using world = await World.create();
  const queue = `runner:${world.name}`;
  await world.redis.call("LPUSH", queue, "no-such-job");
  await world.redis.call("LPUSH", queue, "");
  await world.redis.call("LPUSH", queue, new Uint8Array([0xff, 0xfe, 0x41]));
  await world.redis.call("LPUSH", queue, "x".repeat(600));
  await world.redis.call("LPUSH", queue, '{"id":"whole job in the queue"}');
  await world.redis.call("LPUSH", "job_list", "not a job");
  await world.redis.call("LPUSH", queue, "list");
  await world.redis.call("HSET", "job_odd", "payload", "true", "status", "what?");
  await world.redis.call("LPUSH", queue, "odd");
  const good = await world.push({ payload: "echo good" });
  await world.runner();
  assertEquals((await world.ended(good)).result, "good\n");
  await until("all poison is put aside", async () => await world.redis.call("ZCARD", "rr:dead") === 7);
  const claims = (await world.redis.keys()).filter((key) => key.startsWith("rr:claim:"));
  assertEquals(claims, []);
  assertEquals(await world.redis.call("LRANGE", "job_list", 0, -1), ["not a job"]);
});

Deno.test("an id that is queued several times runs once", async () => {
  await using world = await World.create();
  const log = `${world.dir}/log`;
  await world.redis.call("HSET", "job_twin", "payload", `echo ran >> ${log}; sleep 0.3`);
  for (let i = 0; i < 3; i++) await world.redis.call("LPUSH", `runner:${world.name}`, "twin");
  await world.runner();
  await world.reaches("twin", "started");
  await world.redis.call("LPUSH", `runner:${world.name}`, "twin");
  await world.ended("twin");
  await world.redis.call("LPUSH", `runner:${world.name}`, "twin");
  const last = await world.push({ payload: "true" });
  await world.ended(last);
  assertEquals(await Deno.readTextFile(log), "ran\n");
});

Deno.test("ids of any form run without touching anything outside the spool", async () => {
  await using world = await World.create();
  await world.runner();
  for (
    const id of ["../../x", "a:b", "a.b", "🎉", "x".repeat(512), "new\nline", "%s", "{x}", "-rf", "$(id)", "a b;c"]
  ) {
    const job = await world.ended(await world.push({ payload: 'printf %s "$RUNNER_JOB_ID"' }, id));
    assertEquals([job.status, job.result], ["finished", id]);
  }
});

Deno.test("a job for another runner is moved to its queue", async () => {
  await using world = await World.create();
  await world.runner();
  const id = await world.push({ payload: "true", runner: "somebody-else" });
  await until("it is moved", async () => await world.redis.call("LLEN", "runner:somebody-else") === 1);
  assertEquals((await world.job(id)).payload, "true");
});

Deno.test("a job that cannot be run ends with a sentence", async () => {
  await using world = await World.create();
  await world.runner();
  const cases: [Record<string, string>, string][] = [
    [{ payload: "true", executor: "screen.x" }, "no executor"],
    [{ payload: "true", executor: "tmux.a:b" }, "Cannot use executor"],
    [{ payload: "true", env_vars: '{"A B":"secret"}' }, "Cannot set environment variable"],
    [{ payload: "true", env_vars: "{" }, "env_vars is no JSON object"],
    [{ payload: "a\0b" }, "NUL"],
  ];
  for (const [fields, text] of cases) {
    const job = await world.ended(await world.push(fields));
    assertEquals(job.status, "error");
    assertStringIncludes(job.error, text);
    assertEquals(job.error.includes("secret"), false);
  }
});

Deno.test("a foreign program that ends a running job stops it, and keeps its verdict", async () => {
  await using world = await World.create();
  await world.runner({ args: ["--beat", "200ms", "--kill-grace", "1s"] });
  const id = await world.push({ payload: `sleep 300; echo late > ${world.dir}/late` });
  await world.reaches(id, "started");
  await world.redis.call("HSET", `job_${id}`, "status", "error", "error", "stopped by the other program");
  await until("nothing runs", async () => await world.redis.call("EXISTS", ...await runKeys(world)) === 0);
  assertEquals((await world.job(id)).error, "stopped by the other program");
});

async function runKeys(world: World): Promise<string[]> {
  const keys = (await world.redis.keys()).filter((key) => key.startsWith("rr:run:"));
  return keys.length > 0 ? keys : ["none"];
}
