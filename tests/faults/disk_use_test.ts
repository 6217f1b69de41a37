import { assert, assertEquals } from "../support/assert.ts";
import { until } from "../support/until.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";

Deno.test("54 thousands of jobs leave a bounded number of files, and recent ends can still be restored from them", async () => {
  // KEEP_COUNT of src/system/attempt_journal.ts, EARLY_AFTER of src/runner/janitor.ts
  const [recorded, early] = [4096, 512];
  await using fixture = await RunnerFixture.create();
  const runner = await fixture.runner({ args: ["--heartbeat", "1s", "--lease", "10s", "--concurrency", "8"] });
  const loud = await fixture.push({ payload: "seq 1 40000" });
  await fixture.ended(loud);
  const count = recorded + 2 * early;
  const make =
    "for i = 1, ARGV[1] do redis.call('HSET', 'job_' .. i, 'payload', 'echo ' .. i, 'status', 'dispatched')" +
    " redis.call('LPUSH', KEYS[1], i) end";
  await fixture.redis.call("EVAL", make, 1, `runner:${fixture.name}`, count);
  await fixture.ended(String(count), 300_000);
  const files = (folder: string) => [...Deno.readDirSync(`${fixture.instance()}/${folder}`)].length;
  await until("only those with a record are left", () => files("out") <= recorded + early);
  assert(files("out") >= recorded - 8, "as long as an end may be reported again its output is there");
  assertEquals(files("kept"), 1);
  await fixture.redis.call("FLUSHALL");
  assertEquals((await fixture.ended(String(count - 1), 120_000)).result, `${count - 1}\n`);
  const { code, stdout } = await fixture.run(["logs", String(count - 1)]);
  assertEquals([code, stdout], [0, `${count - 1}\n`]);
  assertEquals(runner.code, null, runner.log);
});
