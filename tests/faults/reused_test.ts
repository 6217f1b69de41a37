import { assert, assertEquals } from "../support/assert.ts";
import { until } from "../support/until.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";

const FAST = ["--heartbeat", "200ms", "--lease", "3s", "--kill-grace", "3s"];

Deno.test("a job whose id an earlier one had, which is purged, runs and has its own result", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner({ args: FAST });
  for (const word of ["first", "second"]) {
    await fixture.submit("--id", "nightly", `echo ${word}`);
    assertEquals((await fixture.ended("nightly")).result, `${word}\n`);
    assertEquals((await fixture.run(["purge", "-y"])).code, 0);
  }
});

Deno.test("the attempt that was given up is stopped, and the next one, on the same host, is not", async () => {
  await using fixture = await RunnerFixture.create();
  const runner = await fixture.runner({ args: FAST });
  const line = `'${fixture.dir}/go'`;
  // the first one does not go at once
  const payload =
    `trap '' TERM; echo $RUNNER_ATTEMPT; touch '${fixture.dir}/up'; while [ ! -e ${line} ] || [ $RUNNER_ATTEMPT = 1 ]; do sleep 0.05; done`;
  await fixture.push({ payload }, "j");
  await until("it runs", () => Deno.stat(`${fixture.dir}/up`).then(() => true, () => false));
  await fixture.redis.call("HSET", "job_j", "status", "error", "error", "given up");
  assertEquals((await fixture.run(["retry", "j"])).code, 0);
  await until("the first attempt is fenced", () => runner.log.includes("fenced job=j attempt=1"));
  await Deno.writeTextFile(`${fixture.dir}/go`, "");
  assertEquals((await fixture.ended("j")).result, "2\n");
});

Deno.test("a burst ends when jobs that waited for others have run, too", async () => {
  await using fixture = await RunnerFixture.create();
  const first = await fixture.submit("sleep 0.5");
  const second = await fixture.submit("--after", first, "true");
  const third = await fixture.submit("--after", second, "true");
  const runner = await fixture.runner({ args: [...FAST, "--burst"], ready: false });
  assertEquals(await runner.ended, 0);
  for (const id of [first, second, third]) assertEquals((await fixture.job(id)).status, "finished", id);
});

Deno.test("thousands that wait for one job are queued when it ends", async () => {
  await using fixture = await RunnerFixture.create();
  const count = 1500;
  await fixture.push({ payload: `until [ -e '${fixture.dir}/go' ]; do sleep 0.05; done` }, "first");
  const jobs = Array.from({ length: count }, () => JSON.stringify({ payload: "true", after: "first" }));
  await Deno.writeTextFile(`${fixture.dir}/jobs`, jobs.join("\n"));
  assertEquals((await fixture.run(["submit", "--from", `${fixture.dir}/jobs`])).code, 0);
  const runner = await fixture.runner({ args: FAST });
  await fixture.reaches("first", "started");
  assertEquals(await fixture.redis.call("ZCARD", `rr:delay:${fixture.name}`), count);
  await Deno.writeTextFile(`${fixture.dir}/go`, "");
  await until("none is delayed", async () => await fixture.redis.call("ZCARD", `rr:delay:${fixture.name}`) === 0);
  assert(!runner.log.includes("could not promote"), runner.log);
});
