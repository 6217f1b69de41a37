/** Schedules with several runners, crashes, data loss and a clock that goes back. */
import { Keys } from "../../src/redis/keys.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { assertClean } from "../support/audit.ts";
import { ExecutionLog } from "../support/execution_log.ts";
import { RunnerFixture, type RunnerProcess } from "../support/runner_fixture.ts";
import { until } from "../support/until.ts";

const keys = new Keys("");
const FAST = ["--heartbeat", "200ms", "--lease", "2s"];

async function command(fixture: RunnerFixture, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await fixture.run(["schedule", ...args]);
  assertEquals(code, 0, stderr);
  return stdout;
}

/** Ids of the jobs of a schedule, in the order of their creation. */
async function firings(fixture: RunnerFixture, name = "s"): Promise<string[]> {
  const ids = await fixture.redis.call("ZRANGE", keys.jobs(), 0, -1) as string[];
  return ids.filter((id) => id.startsWith(`${name}@`));
}

async function record(fixture: RunnerFixture, name = "s"): Promise<Record<string, string>> {
  return await fixture.redis.hash(keys.schedule(name));
}

/** Starts runners with a spool and a socket each. */
async function runners(fixture: RunnerFixture, count: number, args = FAST): Promise<RunnerProcess[]> {
  return await Promise.all(Array.from({ length: count }, (_, i) => oneOf(fixture, i, args)));
}

function oneOf(fixture: RunnerFixture, i: number, args = FAST, env: Record<string, string> = {}) {
  const own = { RUNNER_TMUX_SOCKET: `${fixture.socket}-${i}` };
  return fixture.runner({ args, spool: `${fixture.dir}/${i}`, env: { ...own, ...env } });
}

const spools = (fixture: RunnerFixture, count: number) =>
  Array.from({ length: count }, (_, i) => fixture.instance(`${fixture.dir}/${i}`));

/** Checks that all firings ran once, and that nothing else is wrong. */
async function assertOnce(fixture: RunnerFixture, log: ExecutionLog, count: number, dataWasLost = false) {
  await command(fixture, "pause", "s");
  const ids = await firings(fixture);
  for (const id of ids) assertEquals((await fixture.ended(id)).error, "", id);
  await assertClean(fixture, { ids, log, dataWasLost, instances: spools(fixture, count) });
}

Deno.test("80 a schedule fires once for each of its times although three runners are there", async () => {
  await using fixture = await RunnerFixture.create();
  const log = new ExecutionLog(fixture.dir);
  await runners(fixture, 3);
  await command(fixture, "add", "s", "* * * * * *", "--overlap", "queue", log.line);
  await until("it has fired four times", async () => (await firings(fixture)).length >= 4);
  await assertOnce(fixture, log, 3);
  const seconds = (await firings(fixture)).map((id) => Date.parse(id.slice(2)) / 1000);
  assertEquals(new Set(seconds).size, seconds.length);
});

for (const place of ["before_schedule_fired", "after_schedule_fired"]) {
  Deno.test(`80 a firing happens once when its runner dies at ${place}`, async () => {
    await using fixture = await RunnerFixture.create();
    const log = new ExecutionLog(fixture.dir);
    const dying = await oneOf(fixture, 0, FAST, { RUNNER_CRASH_AT: place });
    await command(fixture, "add", "s", "@every 2s", "--overlap", "queue", log.line);
    const planned = Number((await record(fixture)).next);
    assertEquals(await dying.ended, 137, dying.log);
    await oneOf(fixture, 1);
    await until("it has fired twice", async () => (await firings(fixture)).length >= 2);
    assertEquals((await firings(fixture))[0], `s@${new Date(planned).toISOString().replace(".000Z", "Z")}`);
    await oneOf(fixture, 0);
    await assertOnce(fixture, log, 2);
  });
}

Deno.test("80 replace cancels the last job and follows its end, also when the runner dies before the cancellation", async () => {
  await using fixture = await RunnerFixture.create();
  const dying = await oneOf(fixture, 0, FAST, { RUNNER_CRASH_AT: "after_cancel_last" });
  await command(fixture, "add", "s", "@every 2s", "--overlap", "replace", "sleep 60");
  assertEquals(await dying.ended, 137, dying.log);
  const [first] = await firings(fixture);
  await oneOf(fixture, 0);
  await until("the next one is there", async () => (await firings(fixture)).length >= 2);
  await command(fixture, "remove", "s");
  const job = await fixture.ended(first);
  assertEquals(job.error, "cancelled: replaced by the next firing");
  const [, second] = await firings(fixture);
  assert((await fixture.job(second)).created_at >= job.updated_at, "it follows the end");
  for (const id of await firings(fixture)) await fixture.run(["cancel", id]);
  for (const id of await firings(fixture)) await fixture.ended(id);
});

Deno.test("80 schedules come back with their last firing after FLUSHALL, and fire again after one lease", async () => {
  await using fixture = await RunnerFixture.create();
  const log = new ExecutionLog(fixture.dir);
  const [runner] = await runners(fixture, 2);
  await command(fixture, "add", "s", "* * * * * *", "--overlap", "queue", log.line);
  await command(fixture, "add", "gone", "@daily", "true");
  await command(fixture, "remove", "gone");
  await until("it has fired", async () => (await firings(fixture)).length >= 2);
  const before = await record(fixture);
  await fixture.redis.call("FLUSHALL");
  await runner.says("brought back schedules that Redis had lost");
  // the copy of the runner that fired last is the newest
  await until("the last firing is back", async () => Number((await record(fixture)).last) >= Number(before.last));
  const { hold } = await fixture.redis.hash(keys.schedules());
  assertEquals((await record(fixture)).rev, before.rev);
  await until("it fires again", async () => Number((await record(fixture)).last) > Number(hold));
  const ids = await firings(fixture);
  const late = ids.filter((id) => Date.parse(id.slice(2)) > Number(before.last));
  assert(late.every((id) => Date.parse(id.slice(2)) > Number(hold)), `${late}: nothing before ${hold}`);
  assertEquals((await record(fixture, "gone")).text, undefined);
  await command(fixture, "pause", "s");
  for (const id of late) await fixture.ended(id);
  for (const [id, runs] of await log.executions()) assertEquals(runs.length, 1, id);
});

Deno.test("80 schedules are lost with Redis' data when no spool survives", async () => {
  await using fixture = await RunnerFixture.create();
  const runner = await oneOf(fixture, 0);
  await command(fixture, "add", "s", "@daily", "true");
  const copy = `${fixture.instance(`${fixture.dir}/0`)}/schedules.json`;
  await until("the copy is there", () => Deno.readTextFile(copy).then((text) => text.includes("@daily"), () => false));
  await runner.kill9();
  await fixture.redis.call("FLUSHALL");
  await Deno.remove(`${fixture.dir}/0`, { recursive: true });
  await oneOf(fixture, 0);
  const id = await fixture.push({ payload: "true" });
  await fixture.ended(id);
  assertEquals(await record(fixture), {});
});

Deno.test("80 schedules come back from the copy of a dead runner's spool, when Redis went back or lost all", async () => {
  await using fixture = await RunnerFixture.create();
  const runner = await oneOf(fixture, 0);
  await command(fixture, "add", "s", "@daily", "echo old");
  await command(fixture, "add", "first", "@daily", "true");
  await using stale = await fixture.redis.copy();
  await command(fixture, "add", "s", "@daily", "echo new");
  const copy = `${fixture.instance(`${fixture.dir}/0`)}/schedules.json`;
  const isKept = () => Deno.readTextFile(copy).then((text) => text.includes("echo new"), () => false);
  await until("the copy is there", isKept);
  await runner.kill9();
  await fixture.redis.goBackTo(stale);
  const second = await oneOf(fixture, 0);
  const isBack = async () => (await record(fixture)).text?.includes("echo new") ?? false;
  await until("the newest revision is back", isBack);
  await second.kill9();
  await fixture.redis.call("FLUSHALL");
  // a schedule that is added before a runner comes back hides no loss
  await command(fixture, "add", "other", "@daily", "true");
  const dying = await oneOf(fixture, 0, FAST, { RUNNER_CRASH_AT: "after_schedule_restore" });
  assertEquals(await dying.ended, 137, dying.log);
  await oneOf(fixture, 0);
  await until("it is back once more", isBack);
  for (const name of ["first", "other"]) assert((await record(fixture, name)).text !== undefined, name);
});

Deno.test("80 what fell due while no runner lived is skipped, and made up once with --catch-up", async () => {
  await using fixture = await RunnerFixture.create();
  await command(fixture, "add", "s", "* * * * * *", "echo s");
  await command(fixture, "add", "t", "* * * * * *", "--catch-up", "1h", "echo t");
  const long = Date.now() - 600_000;
  for (const name of ["s", "t"]) await fixture.redis.call("HSET", keys.schedule(name), "next", long - long % 1000);
  await command(fixture, "add", "late", "0 0 * * *", "--catch-up", "366d", "echo late");
  const day = Date.now() - Date.now() % 86_400_000;
  await fixture.redis.call("HSET", keys.schedule("late"), "next", day - 3 * 86_400_000);
  await fixture.redis.call("HSET", keys.schedules(), "due", 1);
  await oneOf(fixture, 0);
  for (const name of ["s", "t", "late"]) await until(name, async () => (await firings(fixture, name)).length > 0);
  assertEquals(await firings(fixture, "late"), [`late@${new Date(day).toISOString().replace(".000Z", "Z")}`]);
  const events = (await fixture.run(["events", "--json", "-n", "1000"])).stdout.trim().split("\n")
    .map((line) => JSON.parse(line)).filter(({ event }) => event === "schedule_skipped");
  const ids = events.filter(({ state }) => state === "missed").map(({ id }) => id.split("@")[0]);
  for (const name of ["s", "t", "late"]) assert(ids.includes(name), name);
});

Deno.test("80 a schedule of a queue that no runner serves is fired by runners of other names, and says so", async () => {
  await using fixture = await RunnerFixture.create();
  await oneOf(fixture, 0);
  await command(fixture, "add", "s", "* * * * * *", "-n", "nowhere", "true");
  await until("it has fired", async () => (await firings(fixture)).length > 0);
  assertEquals(await fixture.redis.call("LLEN", keys.queue("nowhere")), 1);
  const text = await command(fixture, "list");
  assert(text.includes('no runner "nowhere" is alive'), text);
});
