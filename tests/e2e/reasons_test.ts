import { assert, assertEquals, assertStringIncludes } from "../support/assert.ts";
import { freePort } from "../support/redis_server.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";

Deno.test("a job whose working directory is not there says so in its error", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner();
  const id = await fixture.submit("--cwd", `${fixture.dir}/none`, "true");
  const { code, stderr } = await fixture.run(["wait", id]);
  assertEquals(code, 126);
  assertStringIncludes(stderr, `exited with code 126: its working directory "${fixture.dir}/none" is not there`);
});

Deno.test("run refuses a shell that cannot run payloads before it claims a job", async () => {
  await using fixture = await RunnerFixture.create();
  const id = await fixture.push({ payload: "true" });
  const runner = await fixture.runner({ args: ["--shell", "/bin/none"], ready: false });
  assertEquals(await runner.ended, 1);
  assertStringIncludes(runner.log, 'Cannot run payloads with shell "/bin/none": there is no such program on this host');
  assert((await fixture.job(id)).status === undefined, JSON.stringify(await fixture.job(id)));
});

Deno.test("a client that does not reach Redis names what was asked of it, and what to do", async () => {
  await using fixture = await RunnerFixture.create();
  const env = { REDIS_URL: `127.0.0.1:${freePort()}` };
  for (const [command, ...args] of [["submit", "true"], ["status"], ["wait", "@"], ["cancel", "x"]]) {
    const { code, stderr } = await fixture.run([command, ...args], { env });
    assertEquals(code, 69);
    assertStringIncludes(stderr, `Cannot run runner ${command}: Redis at ${env.REDIS_URL} cannot be reached: nothing`);
    assert(stderr.includes("start one there") && !stderr.includes("TIME"), stderr);
  }
  const nowhere = await fixture.run(["submit", "true"], { env: { REDIS_URL: "no-such-host.invalid" } });
  assertStringIncludes(nowhere.stderr, 'no address of "no-such-host.invalid"');
  assert(!nowhere.stderr.includes("start one there"), nowhere.stderr);
});

Deno.test("status says why a job waits that a foreign client has pushed without naming its runner", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.redis.call("HSET", "job_7", "payload", "true", "status", "dispatched");
  await fixture.redis.call("LPUSH", "runner:test_runner", "7");
  const said = async () => (await fixture.run(["status", "7"])).stdout;
  assertStringIncludes(await said(), 'no runner "test_runner" is alive; start one: runner run --name test_runner');
  const runner = await fixture.runner();
  assertEquals((await fixture.run(["pause"])).code, 0);
  await runner.says("paused");
  const id = await fixture.push({ payload: "true", status: "dispatched" });
  assertStringIncludes((await fixture.run(["status", id])).stdout, "its queue is paused");
});
