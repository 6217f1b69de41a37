import { assert, assertEquals } from "../support/assert.ts";
import { until } from "../support/until.ts";
import { World } from "../support/world.ts";

const FAST = ["--beat", "200ms", "--lease", "3s", "--kill-grace", "3s"];

Deno.test("a job whose id an earlier one had, which is purged, runs and has its own result", async () => {
  await using world = await World.create();
  await world.runner({ args: FAST });
  for (const word of ["first", "second"]) {
    await world.submit("--id", "nightly", `echo ${word}`);
    assertEquals((await world.ended("nightly")).result, `${word}\n`);
    assertEquals((await world.run(["purge", "-y"])).code, 0);
  }
});

Deno.test("the attempt that was given up is stopped, and the next one, on the same host, is not", async () => {
  await using world = await World.create();
  const runner = await world.runner({ args: FAST });
  const line = `'${world.dir}/go'`;
  // the first one does not go at once
  const payload =
    `trap '' TERM; echo $RUNNER_ATTEMPT; while [ ! -e ${line} ] || [ $RUNNER_ATTEMPT = 1 ]; do sleep 0.05; done`;
  await world.push({ payload }, "j");
  await world.reaches("j", "started");
  await world.redis.call("HSET", "job_j", "status", "error", "error", "given up");
  assertEquals((await world.run(["retry", "j"])).code, 0);
  await until("the first attempt is fenced", () => runner.log.includes("fenced job=j attempt=1"));
  await Deno.writeTextFile(`${world.dir}/go`, "");
  assertEquals((await world.ended("j")).result, "2\n");
});

Deno.test("a burst ends when jobs that waited for others have run, too", async () => {
  await using world = await World.create();
  const first = await world.submit("sleep 0.5");
  const second = await world.submit("--after", first, "true");
  const third = await world.submit("--after", second, "true");
  const runner = await world.runner({ args: [...FAST, "--burst"], ready: false });
  assertEquals(await runner.ended, 0);
  for (const id of [first, second, third]) assertEquals((await world.job(id)).status, "finished", id);
});

Deno.test("thousands that wait for one job are queued when it ends", async () => {
  await using world = await World.create();
  const count = 1500;
  await world.push({ payload: `until [ -e '${world.dir}/go' ]; do sleep 0.05; done` }, "first");
  const jobs = Array.from({ length: count }, () => JSON.stringify({ payload: "true", after: "first" }));
  await Deno.writeTextFile(`${world.dir}/jobs`, jobs.join("\n"));
  assertEquals((await world.run(["submit", "--from", `${world.dir}/jobs`])).code, 0);
  const runner = await world.runner({ args: FAST });
  await world.reaches("first", "started");
  assertEquals(await world.redis.call("ZCARD", `rr:delay:${world.name}`), count);
  await Deno.writeTextFile(`${world.dir}/go`, "");
  await until("none is delayed", async () => await world.redis.call("ZCARD", `rr:delay:${world.name}`) === 0);
  assert(!runner.log.includes("could not promote"), runner.log);
});
