import { assert, assertEquals, assertStringIncludes } from "../support/assert.ts";
import { assertClean, jobProcesses } from "../support/audit.ts";
import { ExecutionLog } from "../support/execution_log.ts";
import { Barrier } from "../support/barrier.ts";
import { until } from "../support/until.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";

/** Everything about thirty times faster than in life: the lease is 1 s, a peer is given up after 1.2 s. */
const FAST = ["--heartbeat", "200ms", "--lease", "1s", "--kill-grace", "500ms"];

/** A runner of the same name on another host: with a spool and a tmux server of its own. */
function host(fixture: RunnerFixture, letter: string, more: { args?: string[]; env?: Record<string, string> } = {}) {
  return {
    spool: `${fixture.dir}/${letter}`,
    args: [...FAST, ...more.args ?? []],
    env: { RUNNER_TMUX_SOCKET: `${fixture.socket}-${letter}`, ...more.env },
  };
}

/** Ends a host's terminals as the loss of its power does. */
async function losePower(fixture: RunnerFixture, letter: string): Promise<void> {
  const socket = `${fixture.socket}-${letter}`;
  const pid = await new Deno.Command("tmux", { args: ["-L", socket, "display-message", "-p", "#{pid}"] }).output();
  Deno.kill(Number(new TextDecoder().decode(pid.stdout)), "SIGKILL");
}

Deno.test("2 a peer gets the claims of a runner that was killed before it started them", async () => {
  await using fixture = await RunnerFixture.create();
  const log = new ExecutionLog(fixture.dir);
  const first = await fixture.runner(host(fixture, "a", { env: { RUNNER_CRASH_AT: "after_claim" } }));
  const id = await fixture.push({ payload: log.line });
  assertEquals(await first.ended, 137);
  await fixture.runner(host(fixture, "b"));
  await fixture.ended(id);
  await assertClean(fixture, { ids: [id], log, instances: [fixture.instance(`${fixture.dir}/b`)] });
});

Deno.test("8 a job whose terminals were lost with its host ends as lost when the host comes back", async () => {
  await using fixture = await RunnerFixture.create();
  const log = new ExecutionLog(fixture.dir);
  const barrier = new Barrier(fixture.dir);
  const first = await fixture.runner(host(fixture, "a"));
  const id = await fixture.push({ payload: `${log.line}; echo before; ${barrier.wait}` });
  await until("it runs", () => log.ran(id));
  await losePower(fixture, "a");
  await first.kill9();
  const spool = `${fixture.dir}/a`;
  await fixture.runner(host(fixture, "a"));
  const job = await fixture.ended(id);
  assertEquals([job.status, job.error.slice(0, 5), job.result.split("\n")[0]], ["error", "lost:", "before"]);
  await barrier.open();
  await assertClean(fixture, { ids: [id], log, instances: [fixture.instance(spool)] });
});

Deno.test("8 a job whose terminals were lost with its host runs again when the policy says so", async () => {
  await using fixture = await RunnerFixture.create();
  const log = new ExecutionLog(fixture.dir);
  const barrier = new Barrier(fixture.dir);
  const requeue = { args: ["--lost-policy", "requeue"] };
  const first = await fixture.runner(host(fixture, "a", requeue));
  const id = await fixture.push({ payload: `${log.line}; ${barrier.wait}; echo done` });
  await until("it runs", () => log.ran(id));
  await losePower(fixture, "a");
  await first.kill9();
  await barrier.open();
  await fixture.runner(host(fixture, "a", requeue));
  assertEquals((await fixture.ended(id)).result, "done\n");
  assertEquals((await log.executions()).get(id), ["1", "2"]);
});

Deno.test("8 a job that brings its host down each time ends as lost in the end, whatever the policy", async () => {
  await using fixture = await RunnerFixture.create();
  const log = new ExecutionLog(fixture.dir);
  await fixture.runner({ args: [...FAST, "--lost-policy", "requeue"] });
  const id = await fixture.push({ payload: `${log.line}; kill -KILL $(ps -o ppid= -p $PPID); sleep 5` });
  const job = await fixture.ended(id);
  assertEquals(job.error.slice(0, 5), "lost:");
  assertEquals((await log.executions()).get(id), ["1", "2", "3"]);
});

for (
  const { policy, args, error, attempts } of [
    { policy: "hold", args: ["--lost-after", "1s"], error: "lost:", attempts: ["1"] },
    { policy: "fail", args: ["--lost-policy", "fail"], error: "lost:", attempts: ["1"] },
    { policy: "requeue", args: ["--lost-policy", "requeue"], error: "", attempts: ["1", "2"] },
  ]
) {
  Deno.test(`9 policy ${policy} decides about the jobs of a host that never comes back`, async () => {
    await using fixture = await RunnerFixture.create();
    const log = new ExecutionLog(fixture.dir);
    const barrier = new Barrier(fixture.dir);
    const first = await fixture.runner(host(fixture, "a"));
    const id = await fixture.push({ payload: `${log.line}; ${barrier.wait}` });
    await until("it runs", () => log.ran(id));
    await losePower(fixture, "a");
    await first.kill9();
    await Deno.remove(`${fixture.dir}/a`, { recursive: true });
    await barrier.open();
    await fixture.runner(host(fixture, "b", { args }));
    const job = await fixture.ended(id);
    assertEquals(job.error.slice(0, 5), error);
    assertEquals((await log.executions()).get(id), attempts);
    await assertClean(fixture, {
      ids: [id],
      log,
      executions: () => [attempts.length, attempts.length],
      instances: [fixture.instance(`${fixture.dir}/b`)],
    });
    await until(
      "the lost instance is forgotten",
      async () => await fixture.redis.call("ZCARD", `rr:lease:${fixture.name}`) === 1,
    );
  });
}

Deno.test("9 the deadline of a job ends the wait for its host", async () => {
  await using fixture = await RunnerFixture.create();
  const first = await fixture.runner(host(fixture, "a"));
  const id = await fixture.push({ payload: "sleep 60", timeout: "3" });
  await fixture.reaches(id, "started");
  await losePower(fixture, "a");
  await first.kill9();
  await fixture.runner(host(fixture, "b"));
  assertEquals((await fixture.ended(id)).error.slice(0, 5), "lost:");
  const { started_ms, ended_ms } = await fixture.redis.hash(`rr:meta:${id}`);
  assert(Number(ended_ms) >= Number(started_ms) + 3000, "it was not given up before its deadline");
});

Deno.test("12 a runner that is frozen for longer than its lease loses its claims to a peer, and keeps what runs", async () => {
  await using fixture = await RunnerFixture.create();
  const log = new ExecutionLog(fixture.dir);
  const barrier = new Barrier(fixture.dir);
  const frozen = await fixture.runner(host(fixture, "a", { args: ["--concurrency", "2", "--lost-after", "1h"] }));
  const ids = [await fixture.push({ executor: "tmux.s.w", payload: `${log.line}; ${barrier.wait}; echo kept` })];
  await until("it runs", () => log.ran(ids[0]));
  // claimed, and behind the busy pane
  ids.push(await fixture.push({ executor: "tmux.s.w", payload: `${log.line}; echo taken` }));
  await until("it is claimed", async () => await fixture.redis.call("LLEN", `runner:${fixture.name}`) === 0);
  frozen.signal("SIGSTOP");
  await fixture.runner(host(fixture, "b", { args: ["--lost-after", "1h"] }));
  assertEquals((await fixture.ended(ids[1])).result, "taken\n");
  // the wait of the frozen runner may claim this one; it comes back with it at the latest
  ids.push(await fixture.push({ payload: log.line }));
  await until("it is claimed", async () => await fixture.redis.call("LLEN", `runner:${fixture.name}`) === 0);
  frozen.signal("SIGCONT");
  await barrier.open();
  assertEquals((await fixture.ended(ids[0])).result, "kept\n");
  ids.push(await fixture.push({ payload: log.line }));
  await assertClean(fixture, {
    ids,
    log,
    instances: ["a", "b"].map((letter) => fixture.instance(`${fixture.dir}/${letter}`)),
  });
  assertEquals(frozen.code, null);
});

Deno.test("9 what was given up before its launch is not launched by the host that comes back, and leaves nothing behind", async () => {
  await using fixture = await RunnerFixture.create();
  const log = new ExecutionLog(fixture.dir);
  const first = await fixture.runner(host(fixture, "a", { env: { RUNNER_CRASH_AT: "after_journal" } }));
  const id = await fixture.push({ payload: log.line, timeout: "0.5" });
  assertEquals(await first.ended, 137);
  const peer = await fixture.runner(host(fixture, "b"));
  assertEquals((await fixture.ended(id)).error.slice(0, 5), "lost:");
  await peer.stop();
  await fixture.runner(host(fixture, "a"));
  await assertClean(fixture, {
    ids: [id],
    log,
    executions: () => [0, 0],
    instances: [fixture.instance(`${fixture.dir}/a`)],
  });
});

Deno.test("12 what a frozen runner runs is stopped when another host has it by then, and leaves nothing behind", async () => {
  await using fixture = await RunnerFixture.create();
  const log = new ExecutionLog(fixture.dir);
  const barrier = new Barrier(fixture.dir);
  const requeue = { args: ["--lost-policy", "requeue"] };
  const frozen = await fixture.runner(host(fixture, "a", requeue));
  const id = await fixture.push({ payload: `${log.line}; ${barrier.wait}; echo $RUNNER_ATTEMPT` });
  await until("it runs", () => log.ran(id));
  frozen.signal("SIGSTOP");
  await fixture.runner(host(fixture, "b", requeue));
  await until("it runs again", async () => (await log.executions()).get(id)?.length === 2);
  frozen.signal("SIGCONT");
  const first = { socket: `${fixture.socket}-a` };
  await until("the first attempt is stopped", async () => (await jobProcesses(first)).length === 0);
  await barrier.open();
  assertEquals((await fixture.ended(id)).result, "2\n");
  await assertClean(fixture, {
    ids: [id],
    log,
    executions: () => [2, 2],
    instances: ["a", "b"].map((letter) => fixture.instance(`${fixture.dir}/${letter}`)),
  });
  assertEquals(frozen.code, null);
});

Deno.test("12 an idle runner that is frozen for longer than its lease goes on afterwards", async () => {
  await using fixture = await RunnerFixture.create();
  const log = new ExecutionLog(fixture.dir);
  const runner = await fixture.runner({ args: FAST });
  const peer = await fixture.runner(host(fixture, "b"));
  runner.signal("SIGSTOP");
  await until("it is forgotten", async () => await fixture.redis.call("ZCARD", `rr:lease:${fixture.name}`) === 1);
  await peer.stop();
  const ids = [await fixture.push({ payload: log.line })];
  runner.signal("SIGCONT");
  await assertClean(fixture, { ids, log });
});

Deno.test("14 a copied spool on another host is refused as long as the first one lives, and after", async () => {
  await using fixture = await RunnerFixture.create();
  const log = new ExecutionLog(fixture.dir);
  const boot = `${fixture.dir}/boot`;
  await Deno.writeTextFile(boot, `${crypto.randomUUID()}\n`);
  const first = await fixture.runner({ args: FAST });
  await copyFolder(fixture.instance(), fixture.instance(`${fixture.dir}/copy`));
  const other = await fixture.runner({
    ...host(fixture, "copy"),
    spool: `${fixture.dir}/copy`,
    // a host whose boot has another identity
    prefix: [
      "unshare",
      "-m",
      "sh",
      "-c",
      `mount --bind ${boot} /proc/sys/kernel/random/boot_id; exec "$@"`,
      "sh",
    ],
    ready: false,
  });
  assertEquals(await other.ended, 1, other.log);
  assertStringIncludes(other.log, "spool");
  const ids = [await fixture.push({ payload: log.line })];
  await assertClean(fixture, { ids, log });
  assertEquals(first.code, null);
});

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for (const name of ["instance", "runs.jsonl"]) await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
}

Deno.test("15 two hosts share one queue of a thousand jobs, and each job runs once", async () => {
  await using fixture = await RunnerFixture.create();
  const log = new ExecutionLog(fixture.dir);
  const ids: string[] = [];
  for (let i = 0; i < 1000; i++) ids.push(await fixture.push({ payload: log.line }));
  for (const letter of ["a", "b"]) await fixture.runner(host(fixture, letter, { args: ["--concurrency", "8"] }));
  await assertClean(fixture, {
    ids,
    log,
    instances: ["a", "b"].map((letter) => fixture.instance(`${fixture.dir}/${letter}`)),
  });
});
