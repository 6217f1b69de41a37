import { CHECKPOINTS } from "../../src/runner/parts.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { assertClean } from "../support/audit.ts";
import { ExecutionLog } from "../support/execution_log.ts";
import { until } from "../support/until.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";

/** Where a process dies while it stops, and where only one that must restore a job comes along. */
const SPECIAL = [
  ...["before_release", "after_release", "after_reassert"],
  "after_unpark", // of limits: limits_test.ts
  // of schedules: schedules_test.ts
  ...["before_schedule_fired", "after_schedule_fired", "after_cancel_last", "after_schedule_restore"],
];

/** Six jobs with different ends, for three slots. */
async function queueJobs(fixture: RunnerFixture, log: ExecutionLog): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < 6; i++) {
    ids.push(await fixture.push({ payload: `${log.line}; echo start; sleep 0.${i}; echo end; exit ${i}` }));
  }
  return ids;
}

async function assertEnds(fixture: RunnerFixture, ids: readonly string[]): Promise<void> {
  for (const [i, id] of ids.entries()) {
    const job = await fixture.ended(id);
    assertEquals([job.result, job.error], ["start\nend\n", i === 0 ? "" : `exited with code ${i}`], id);
  }
}

/** Runs a runner that dies at a place; returns whether it came by there before everything was done. */
async function crashes(fixture: RunnerFixture, place: string, ids: readonly string[]): Promise<boolean> {
  const runner = await fixture.runner({ args: ["--concurrency", "3"], env: { RUNNER_CRASH_AT: place }, ready: false });
  return await until(`the runner died at ${place}, or all is done`, async () => {
        if (runner.code !== null) {
          assertEquals(runner.code, 137, runner.log);
          return "died";
        }
        for (const id of ids) if (!isTerminal((await fixture.job(id)).status)) return false;
        return "lives";
      }) === "died" || (await runner.kill9(), false);
}

function isTerminal(status: string): boolean {
  return status === "finished" || status === "error";
}

for (const place of CHECKPOINTS.filter((place) => !SPECIAL.includes(place))) {
  Deno.test(`1-7 a runner that dies three times at ${place} loses no job and runs none twice`, async () => {
    await using fixture = await RunnerFixture.create();
    const log = new ExecutionLog(fixture.dir);
    const ids = await queueJobs(fixture, log);
    let died = 0;
    while (died < 3 && await crashes(fixture, place, ids)) died++;
    assert(died > 0, `no runner came by ${place}`);
    await fixture.runner();
    await assertEnds(fixture, ids);
    await assertClean(fixture, { ids, log });
  });
}

for (const place of ["before_release", "after_release"]) {
  Deno.test(`1-7 a runner that dies at ${place} while it stops loses no job and keeps their order`, async () => {
    await using fixture = await RunnerFixture.create();
    const log = new ExecutionLog(fixture.dir);
    const runner = await fixture.runner({ args: ["--concurrency", "1"], env: { RUNNER_CRASH_AT: place } });
    const order = `${fixture.dir}/order`;
    const hold = `until [ -e ${fixture.dir}/go ]; do sleep 0.02; done`;
    // the second waits for the busy pane, and the third for the slot
    const ids = [await fixture.push({ executor: "tmux.s.w", payload: `${log.line}; echo 0 >> ${order}; ${hold}` })];
    await fixture.reaches(ids[0], "started");
    for (let i = 1; i < 4; i++) {
      ids.push(await fixture.push({ executor: "tmux.s.w", payload: `${log.line}; echo ${i} >> ${order}` }));
    }
    assertEquals(await runner.stop(), 137, runner.log);
    await Deno.writeTextFile(`${fixture.dir}/go`, "");
    await fixture.runner({ args: ["--concurrency", "1"] });
    await assertClean(fixture, { ids, log });
    assertEquals(await Deno.readTextFile(order), "0\n1\n2\n3\n");
  });
}

Deno.test("1-7 a runner that dies at after_reassert gives its jobs back to a Redis that lost them all the same", async () => {
  await using fixture = await RunnerFixture.create();
  const log = new ExecutionLog(fixture.dir);
  const first = await fixture.runner();
  const ids: string[] = [];
  for (let i = 0; i < 3; i++) {
    ids.push(
      await fixture.push({ payload: `${log.line}; until [ -e ${fixture.dir}/go ]; do sleep 0.02; done; echo ${i}` }),
    );
  }
  // started in Redis is not yet launched: only what runs is on disk for certain
  for (const id of ids) await until(`${id} runs`, () => log.ran(id));
  await first.kill9();
  await fixture.redis.call("FLUSHALL");
  for (let died = 0; died < 3; died++) {
    const runner = await fixture.runner({ env: { RUNNER_CRASH_AT: "after_reassert" }, ready: false });
    assertEquals(await runner.ended, 137, runner.log);
  }
  await Deno.writeTextFile(`${fixture.dir}/go`, "");
  await fixture.runner();
  for (const [i, id] of ids.entries()) assertEquals((await fixture.ended(id)).result, `${i}\n`);
  await assertClean(fixture, { ids, log });
});
