import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { assertClean } from "../support/audit.ts";
import { ExecutionLog } from "../support/execution_log.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";

/** Runs a command that must succeed; returns what it printed. */
async function command(fixture: RunnerFixture, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await fixture.run(args);
  assertEquals(code, 0, `${args.join(" ")}: ${stderr}`);
  return stdout;
}

const ids = (count: number) => Array.from({ length: count }, (_, i) => `grid.${i + 1}`);

Deno.test("a grid runs, its failed members run again, and its results are a table", async () => {
  await using fixture = await RunnerFixture.create();
  const log = new ExecutionLog(fixture.dir);
  await fixture.runner({ args: ["--concurrency", "4"] });
  const payload = `${log.line}; echo "$lr/$seed"; [ $seed != 2 ] || [ -e '${fixture.dir}/again' ] || exit 3`;
  const submit = ["submit", "--id", "grid", "--param", "lr=0.1,it's", "--param", "seed=1..3", payload];
  assertEquals(await command(fixture, ...submit), "grid\n");
  await command(fixture, "submit", "--id", "all", "--after", "grid", log.line);
  await command(fixture, "submit", "--id", "any", "--after-end", "grid", log.line);
  const waited = await fixture.run(["wait", "grid"]);
  assertEquals(waited.code, 3, waited.stderr);
  assertMatch(waited.stderr, /job grid\.5: exited with code 3; its last line: it's\/2\n/);
  assertMatch(waited.stderr, /batch grid: 2 failed, 4 ok\n$/);
  assertMatch((await fixture.ended("all")).error, /^skipped: job "grid", which must finish first/);
  assertEquals((await fixture.ended("any")).status, "finished");
  assertEquals(await command(fixture, ...submit), "grid\n", "the same again changes nothing");
  const csv = ["status", "grid", "--csv", "--columns", "index,lr,seed,exit,result"];
  assertEquals((await command(fixture, ...csv)).split("\r\n").slice(0, 4), [
    ...["index,lr,seed,exit,result", "1,0.1,1,0,0.1/1", "2,0.1,2,3,0.1/2", "3,0.1,3,0,0.1/3"],
  ]);
  const logs = (await command(fixture, "logs", "grid")).trim().split("\n");
  assertEquals(logs, ["1: 0.1/1", "2: 0.1/2", "3: 0.1/3", "4: it's/1", "5: it's/2", "6: it's/3"]);
  await Deno.writeTextFile(`${fixture.dir}/again`, "");
  const retried = await fixture.run(["retry", "grid"]);
  assertEquals([retried.code, retried.stderr], [0, "batch grid: 2 queued for a new attempt\n"]);
  const followed = (await command(fixture, "logs", "-f", "grid")).trim().split("\n");
  assertEquals(followed.sort(), logs);
  await command(fixture, "wait", "grid");
  assertMatch(await command(fixture, "status", "grid"), /status +finished\nmembers +6 ok\n/);
  const executions = (id: string): [number, number] => id === "all" ? [0, 0] : /[25]$/.test(id) ? [2, 2] : [1, 1];
  // a retry changes a job after its end
  await assertClean(fixture, { ids: [...ids(6), "all", "any"], log, executions, dataWasLost: true });
  await command(fixture, "purge", "any", "all", "grid");
  assertEquals((await fixture.redis.keys()).filter((key) => key.includes("grid")), []);
});

Deno.test("a batch stops after failures, and is cancelled as a whole with what runs", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner({ args: ["--concurrency", "1", "--heartbeat", "200ms"] });
  await command(fixture, "submit", "--id", "s", "--array", "1-700", "--stop-after", "2", "exit 7");
  const waited = await fixture.run(["wait", "s", "--json"]);
  assertEquals(waited.code, 123, waited.stderr);
  const { counts, stopped } = JSON.parse(waited.stdout);
  assertEquals([counts.failed + counts.skipped, stopped], [700, "skip"]);
  assert(counts.failed >= 2 && counts.failed < 10, waited.stdout);
  const sleep = "trap 'exit 5' TERM; while :; do sleep 0.1; done";
  await command(fixture, "submit", "--id", "c", "--array", "1-700", sleep);
  await fixture.reaches("c.1", "started");
  const cancelled = await fixture.run(["cancel", "c"]);
  assertEquals(cancelled.code, 0, cancelled.stderr);
  assertEquals((await fixture.run(["wait", "c"])).code, 130);
  await assertClean(fixture, { ids: ["s.1", "s.700", "c.1", "c.700"] });
});
