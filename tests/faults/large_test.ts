import { assert, assertEquals } from "../support/assert.ts";
import { pause } from "../support/barrier.ts";
import { until } from "../support/until.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";

const FAST = ["--heartbeat", "200ms", "--lease", "3s", "--kill-grace", "500ms"];

Deno.test("36 a payload of 10 MB runs, and the runner's other work does not stand still", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner({ args: FAST });
  const text = `# ${"x".repeat(10 << 20)}\necho $((1 + 1))`;
  const id = await fixture.push({ payload: text });
  let longest = 0;
  let last = performance.now();
  let lease = "";
  const job = await until("it has ended", async () => {
    const now = String(await fixture.redis.call("ZRANGE", `rr:lease:${fixture.name}`, 0, -1, "WITHSCORES"));
    if (now !== lease) {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
      lease = now;
    }
    const found = await fixture.redis.call("HGET", `job_${id}`, "status");
    return (found === "finished" || found === "error") && await fixture.job(id);
  });
  assertEquals(job.result, "2\n");
  assert(longest < 1240, `a heartbeat came ${longest} ms after the one before`);
});

Deno.test("37 a job that writes 100 MB: memory of the runner stays flat, the result is cut and says so", async () => {
  await using fixture = await RunnerFixture.create();
  const runner = await fixture.runner({ args: FAST });
  await fixture.ended(await fixture.push({ payload: "true" }));
  const before = await memory(runner.child.pid);
  const id = await fixture.push({ payload: "head -c 100000000 /dev/zero | tr '\\0' 'x'" });
  let most = 0;
  const job = await until("it has ended", async () => {
    most = Math.max(most, await memory(runner.child.pid));
    const found = await fixture.redis.call("HGET", `job_${id}`, "status");
    return found === "finished" && await fixture.job(id);
  }, 60_000);
  console.log(`      100 MB of output: runner ${before} MB, at most ${most} MB`);
  assert(most - before < 100, `${before} MB, then ${most} MB`);
  assert(job.result.length < 140_000);
  assertEquals(await fixture.redis.call("HGET", `rr:meta:${id}`, "output_bytes"), "100000000");
});

/** Resident memory of a process, MB. */
async function memory(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1024);
}

Deno.test("46 a hundred thousand queued jobs: taking one stays fast, and so does status", async () => {
  await using fixture = await RunnerFixture.create();
  const statusMs = async () => {
    const begun = performance.now();
    assertEquals((await fixture.run(["status"])).code, 0);
    return performance.now() - begun;
  };
  const empty = await statusMs();
  const script = `for i = 1, 100000 do
    redis.call('HSET', 'job_q' .. i, 'payload', 'true', 'status', 'dispatched')
    redis.call('LPUSH', KEYS[1], 'q' .. i)
  end`;
  await fixture.redis.call("EVAL", script, 1, `runner:${fixture.name}`);
  const runner = await fixture.runner({ args: [...FAST, "--concurrency", "8"] });
  await until("it works", async () => Number(await fixture.redis.call("LLEN", `runner:${fixture.name}`)) < 99_500);
  const status = await statusMs();
  await fixture.redis.call("CONFIG", "RESETSTAT");
  await pause(1500);
  const stats = String(await fixture.redis.call("INFO", "commandstats"));
  const perCall = Number(/cmdstat_evalsha:.*?usec_per_call=([\d.]+)/.exec(stats)![1]);
  const done = 100_000 - Number(await fixture.redis.call("LLEN", `runner:${fixture.name}`));
  console.log(
    `      100,000 queued: ${perCall} us a script, status in ${status.toFixed(0)} ms, of none in ${
      empty.toFixed(0)
    } ms, ${done} done meanwhile, ` +
      `runner ${await memory(runner.child.pid)} MB`,
  );
  assert(perCall < 1000);
  // most of both is the start of the program
  assert(status < 3 * empty + 500, `${empty} ms, then ${status} ms`);
});
