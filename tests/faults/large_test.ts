import { assert, assertEquals } from "../support/assert.ts";
import { Heartbeats } from "../support/heartbeats.ts";
import { until } from "../support/until.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";

/** A runner that sends no heartbeat for so many milliseconds loses its claims. */
const LEASE = 3000;
const FAST = ["--heartbeat", "200ms", "--lease", `${LEASE}ms`, "--kill-grace", "500ms"];

Deno.test("36 a payload of 10 MB runs, and the runner's other work does not stand still", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner({ args: FAST });
  const heartbeats = new Heartbeats(fixture);
  await until("heartbeats are seen", () => heartbeats.seen > 1);
  const text = `# ${"x".repeat(10 << 20)}\necho $((1 + 1))`;
  const id = await fixture.push({ payload: text });
  await until("it has ended", async () => await fixture.redis.call("HGET", `job_${id}`, "status") === "finished");
  const seen = heartbeats.seen;
  await until("the runner goes on", () => heartbeats.seen > seen);
  const longest = Math.max(...await heartbeats.gaps());
  assertEquals((await fixture.job(id)).result, "2\n");
  assert(longest < LEASE, `a heartbeat came ${longest} ms after the one before`);
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

Deno.test("46 a hundred thousand queued jobs: a claim costs what it costs among few, and so does status", async () => {
  await using fixture = await RunnerFixture.create();
  /** Milliseconds of the fastest of three, because a busy machine adds some to each. */
  const statusMs = async () => {
    const times: number[] = [];
    for (let i = 0; i < 3; i++) {
      const begun = performance.now();
      assertEquals((await fixture.run(["status"])).code, 0);
      times.push(performance.now() - begun);
    }
    return Math.min(...times);
  };
  const length = async () => Number(await fixture.redis.call("LLEN", `runner:${fixture.name}`));
  /** Microseconds of a script, on the average of some hundred jobs from now on. */
  const scriptCost = async () => {
    await fixture.redis.call("CONFIG", "RESETSTAT");
    const before = await length();
    await until("some hundred jobs are claimed", async () => await length() <= before - 400);
    const stats = String(await fixture.redis.call("INFO", "commandstats"));
    return Number(/cmdstat_evalsha:.*?usec_per_call=([\d.]+)/.exec(stats)![1]);
  };
  const empty = await statusMs();
  const script = `for i = tonumber(ARGV[1]), tonumber(ARGV[2]) do
    redis.call('HSET', 'job_q' .. i, 'payload', 'true', 'status', 'dispatched')
    redis.call('LPUSH', KEYS[1], 'q' .. i)
  end`;
  const fill = (from: number, to: number) => fixture.redis.call("EVAL", script, 1, `runner:${fixture.name}`, from, to);
  await fill(1, 500);
  const runner = await fixture.runner({ args: [...FAST, "--concurrency", "8"] });
  const few = await scriptCost();
  await fill(501, 100_000);
  const status = await statusMs();
  const many = await scriptCost();
  console.log(
    `      100,000 queued: ${many} us a script, of 500 ${few} us; status in ${status.toFixed(0)} ms, of none in ${
      empty.toFixed(0)
    } ms, ` +
      `runner ${await memory(runner.child.pid)} MB`,
  );
  assert(many < 5 * few, `${few} us, then ${many} us`);
  // most of both is the start of the program
  assert(status < 4 * empty, `${empty} ms, then ${status} ms`);
});
