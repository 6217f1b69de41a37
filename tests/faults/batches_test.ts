/** Batches: clients and runners that die between two pages, Redis that is killed, or loses everything. */
import { Keys } from "../../src/redis/keys.ts";
import { readCounts } from "../../src/domain/batch.ts";
import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { assertClean, miscounted } from "../support/audit.ts";
import { ExecutionLog } from "../support/execution_log.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";
import { until } from "../support/until.ts";

const keys = new Keys("");
const FAST = ["--heartbeat", "200ms", "--lease", "1s", "--concurrency", "4"];

const ids = (batch: string, count: number) => Array.from({ length: count }, (_, i) => `${batch}.${i + 1}`);

const countsOf = async (fixture: RunnerFixture, id: string) =>
  readCounts(await fixture.redis.hash(keys.batch(id))).counts;

/** Waits until a batch has ended. */
async function batchEnded(fixture: RunnerFixture, id: string): Promise<void> {
  await until(`batch ${id} has ended`, async () => {
    const { closed } = await fixture.redis.hash(keys.batch(id));
    const { queued, running } = await countsOf(fixture, id);
    return closed === "1" && queued + running === 0;
  }, 30_000);
}

Deno.test("90 a batch whose client was killed is incomplete, and the same command goes on with it", async () => {
  await using fixture = await RunnerFixture.create();
  const submit = ["submit", "--id", "b", "--array", "1-40000", "true"];
  const client = fixture.run(submit);
  const stored = async () => Number(await fixture.redis.call("HGET", keys.batch("b"), "stored") ?? 0);
  await until("some members are stored", async () => await stored() > 0);
  // its connection is cut, as when it is killed: it sends no more
  await fixture.redis.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
  const { code, stderr } = await client;
  assertEquals(code, 69, stderr);
  assertMatch(stderr, /the same command with --id b goes on where this one ended/);
  const before = await stored();
  assert(before > 0 && before < 40_000, String(before));
  assertMatch((await fixture.run(["status", "b"])).stdout, /status +incomplete: [\d,]+ of 40,000\n/);
  const again = await fixture.run(submit);
  assertEquals([again.code, again.stdout], [0, "b\n"], again.stderr);
  assertEquals(await stored(), 40_000);
  assertEquals(await fixture.redis.call("LLEN", keys.queue(fixture.name)), 40_000);
  const other = await fixture.run(["submit", "--id", "b", "--array", "1-40001", "true"]);
  assertEquals(other.code, 2);
  assertEquals((await fixture.run(["cancel", "b"])).code, 0);
  await batchEnded(fixture, "b");
  assertEquals((await countsOf(fixture, "b")).cancelled, 40_000);
});

Deno.test("91 runners that die while a batch is being stopped leave no member behind, and none starts twice", async () => {
  await using fixture = await RunnerFixture.create();
  const log = new ExecutionLog(fixture.dir);
  await fixture.submit("--id", "b", "--array", "1-1600", "--stop-after", "1", `${log.line}; exit 1`);
  await fixture.submit("--id", "child", "--after-end", "b", log.line);
  const env = { RUNNER_CRASH_AT: "after_finish" };
  const runner = await fixture.runner({ args: FAST, env, ready: false });
  assertEquals(await runner.ended, 137, runner.log);
  assertEquals((await fixture.redis.hash(keys.batch("b"))).stopping, "skip");
  await fixture.runner({ args: FAST });
  await batchEnded(fixture, "b");
  assertEquals((await fixture.ended("child")).status, "finished");
  const { failed, skipped } = await countsOf(fixture, "b");
  assert(failed >= 1 && failed < 20 && failed + skipped === 1600, `${failed} ${skipped}`);
  const executions = (id: string): [number, number] => id === "child" ? [1, 1] : [0, 1];
  await assertClean(fixture, { ids: ["child", ...ids("b", 1600)], log, executions });
});

Deno.test("92 the counts of a batch are right when Redis and a runner are killed meanwhile", async () => {
  await using fixture = await RunnerFixture.create({ persistence: "aof-always" });
  const log = new ExecutionLog(fixture.dir);
  const runner = await fixture.runner({ args: FAST });
  await fixture.submit("--id", "b", "--array", "1-60", `${log.line}; sleep 0.05; exit $((RUNNER_INDEX % 3))`);
  const ended = async () => {
    const { ok, failed } = await countsOf(fixture, "b");
    return ok + failed;
  };
  await until("some have ended", async () => await ended() > 5);
  await fixture.redis.kill9();
  await fixture.redis.restart();
  await until("more have ended", async () => await ended() > 20, 30_000);
  await runner.kill9();
  await fixture.runner({ args: FAST });
  await batchEnded(fixture, "b");
  const counts = await countsOf(fixture, "b");
  assertEquals([counts.ok, counts.failed], [20, 40]);
  await assertClean(fixture, { ids: ids("b", 60), log });
});

Deno.test("93 after Redis lost everything, the members that run bring back what is known of their batch", async () => {
  await using fixture = await RunnerFixture.create();
  const log = new ExecutionLog(fixture.dir);
  await fixture.runner({ args: FAST });
  const payload = `${log.line}; until [ -e '${fixture.dir}/go' ]; do sleep 0.02; done`;
  await fixture.submit("--id", "b", "--array", "1-30", "--title", "grid", payload);
  await until("four run", async () => (await countsOf(fixture, "b")).running === 4);
  await fixture.redis.call("FLUSHALL");
  await until("four are back", async () => (await countsOf(fixture, "b")).running === 4);
  assertMatch((await fixture.run(["status", "b"])).stdout, /running; rebuilt after Redis had lost it/);
  await Deno.writeTextFile(`${fixture.dir}/go`, "");
  await batchEnded(fixture, "b");
  assertEquals((await countsOf(fixture, "b")).ok, 4);
  assertEquals((await fixture.redis.hash("rr:meta:b.1")).title, "grid");
  await assertClean(fixture, { ids: ids("b", 4), log, dataWasLost: true });
});

Deno.test("94 foreign programs end and delete members, and the batch ends all the same", async () => {
  await using fixture = await RunnerFixture.create();
  const log = new ExecutionLog(fixture.dir);
  await fixture.submit("--id", "b", "--array", "1-6", log.line);
  await fixture.submit("--id", "child", "--after-end", "b", "true");
  await fixture.redis.call("HSET", "job_b.2", "status", "error", "error", "not wanted");
  await fixture.redis.call("HSET", "job_b.3", "status", "finished");
  await fixture.redis.call("DEL", "job_b.4");
  await fixture.redis.call("LREM", keys.queue(fixture.name), 0, "b.3");
  const foreign = await fixture.push({ payload: "true", status: "dispatched" });
  // a new process begins with a round of its janitor, and each round checks one batch
  await fixture.runner({ args: FAST });
  await fixture.ended(foreign);
  await batchEnded(fixture, "b");
  assertEquals((await fixture.ended("child")).status, "finished");
  const { ok, failed, lost } = await countsOf(fixture, "b");
  assertEquals([ok, failed, lost], [4, 1, 1]);
  // one is gone, and the others that a foreign program has ended stay, as such jobs do
  const findings = await miscounted(fixture.redis);
  assertEquals(findings.map((one) => one.split(":")[0]).sort(), ["miscounted", "stays in Redis for ever"]);
});
