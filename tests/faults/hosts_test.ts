import { assert, assertEquals, assertStringIncludes } from "../support/assert.ts";
import { assertClean, jobProcesses } from "../support/audit.ts";
import { ExecutionLog } from "../support/execution_log.ts";
import { Gate, pause } from "../support/gate.ts";
import { until } from "../support/until.ts";
import { World } from "../support/world.ts";

/** Everything about thirty times faster than in life: the lease is 1 s, a peer is given up after 1.2 s. */
const FAST = ["--beat", "200ms", "--lease", "1s", "--kill-grace", "500ms"];

/** A runner of the same name on another host: with a spool and a tmux server of its own. */
function host(world: World, letter: string, more: { args?: string[]; env?: Record<string, string> } = {}) {
  return {
    spool: `${world.dir}/${letter}`,
    args: [...FAST, ...more.args ?? []],
    env: { RUNNER_TMUX_SOCKET: `${world.socket}-${letter}`, ...more.env },
  };
}

/** Ends a host's terminals as the loss of its power does. */
async function losePower(world: World, letter: string): Promise<void> {
  const socket = `${world.socket}-${letter}`;
  const pid = await new Deno.Command("tmux", { args: ["-L", socket, "display-message", "-p", "#{pid}"] }).output();
  Deno.kill(Number(new TextDecoder().decode(pid.stdout)), "SIGKILL");
}

Deno.test("2 a peer takes the claims of a runner that was killed before it started them", async () => {
  await using world = await World.create();
  const log = new ExecutionLog(world.dir);
  const first = await world.runner(host(world, "a", { env: { RUNNER_CRASH_AT: "after_claim" } }));
  const id = await world.push({ payload: log.line });
  assertEquals(await first.ended, 137);
  await world.runner(host(world, "b"));
  const begun = performance.now();
  await world.ended(id);
  const ms = performance.now() - begun;
  // a lease of a second, and what a busy machine takes
  assert(ms < 15_000, `back in the queue after ${ms} ms`);
  await assertClean(world, { ids: [id], log, instances: [world.instance(`${world.dir}/b`)] });
});

Deno.test("8 a job whose terminals were lost with its host ends as lost when the host comes back", async () => {
  await using world = await World.create();
  const log = new ExecutionLog(world.dir);
  const gate = new Gate(world.dir);
  const first = await world.runner(host(world, "a"));
  const id = await world.push({ payload: `${log.line}; echo before; ${gate.wait}` });
  await until("it runs", () => log.ran(id));
  await losePower(world, "a");
  await first.kill9();
  const spool = `${world.dir}/a`;
  await world.runner(host(world, "a"));
  const job = await world.ended(id);
  assertEquals([job.status, job.error.slice(0, 5), job.result.split("\n")[0]], ["error", "lost:", "before"]);
  await gate.open();
  await assertClean(world, { ids: [id], log, instances: [world.instance(spool)] });
});

Deno.test("8 a job whose terminals were lost with its host runs again when the policy says so", async () => {
  await using world = await World.create();
  const log = new ExecutionLog(world.dir);
  const gate = new Gate(world.dir);
  const requeue = { args: ["--lost-policy", "requeue"] };
  const first = await world.runner(host(world, "a", requeue));
  const id = await world.push({ payload: `${log.line}; ${gate.wait}; echo done` });
  await until("it runs", () => log.ran(id));
  await losePower(world, "a");
  await first.kill9();
  await gate.open();
  await world.runner(host(world, "a", requeue));
  assertEquals((await world.ended(id)).result, "done\n");
  assertEquals((await log.executions()).get(id), ["1", "2"]);
});

Deno.test("8 a job that takes its host down each time ends as lost in the end, whatever the policy", async () => {
  await using world = await World.create();
  const log = new ExecutionLog(world.dir);
  await world.runner({ args: [...FAST, "--lost-policy", "requeue"] });
  const id = await world.push({ payload: `${log.line}; kill -KILL $(ps -o ppid= -p $PPID); sleep 5` });
  const job = await world.ended(id);
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
    await using world = await World.create();
    const log = new ExecutionLog(world.dir);
    const gate = new Gate(world.dir);
    const first = await world.runner(host(world, "a"));
    const id = await world.push({ payload: `${log.line}; ${gate.wait}` });
    await until("it runs", () => log.ran(id));
    await losePower(world, "a");
    await first.kill9();
    await Deno.remove(`${world.dir}/a`, { recursive: true });
    await gate.open();
    await world.runner(host(world, "b", { args }));
    const begun = performance.now();
    const job = await world.ended(id);
    assertEquals(job.error.slice(0, 5), error);
    assert(performance.now() - begun < 20_000);
    assertEquals((await log.executions()).get(id), attempts);
    await assertClean(world, {
      ids: [id],
      log,
      executions: () => [attempts.length, attempts.length],
      instances: [world.instance(`${world.dir}/b`)],
    });
    await until(
      "the lost instance is forgotten",
      async () => await world.redis.call("ZCARD", `rr:lease:${world.name}`) === 1,
    );
  });
}

Deno.test("9 the deadline of a job ends the wait for its host", async () => {
  await using world = await World.create();
  const first = await world.runner(host(world, "a"));
  const id = await world.push({ payload: "sleep 60", timeout: "3" });
  await world.reaches(id, "started");
  const begun = performance.now();
  await losePower(world, "a");
  await first.kill9();
  await world.runner(host(world, "b"));
  assertEquals((await world.ended(id)).error.slice(0, 5), "lost:");
  const ms = performance.now() - begun;
  assert(ms > 2500 && ms < 20_000, `lost after ${ms} ms`);
});

Deno.test("12 a runner that is frozen for longer than its lease loses its claims to a peer, and keeps what runs", async () => {
  await using world = await World.create();
  const log = new ExecutionLog(world.dir);
  const gate = new Gate(world.dir);
  const frozen = await world.runner(host(world, "a", { args: ["--concurrency", "2", "--lost-after", "1h"] }));
  const ids = [await world.push({ executor: "tmux.s.w", payload: `${log.line}; ${gate.wait}; echo kept` })];
  await until("it runs", () => log.ran(ids[0]));
  // claimed, and behind the busy pane
  ids.push(await world.push({ executor: "tmux.s.w", payload: `${log.line}; echo taken` }));
  await until("it is claimed", async () => await world.redis.call("LLEN", `runner:${world.name}`) === 0);
  frozen.signal("SIGSTOP");
  await world.runner(host(world, "b", { args: ["--lost-after", "1h"] }));
  assertEquals((await world.ended(ids[1])).result, "taken\n");
  await pause(1500);
  // the ghost of the frozen runner's wait may take this one; it comes back with it at the latest
  ids.push(await world.push({ payload: log.line }));
  await pause(500);
  frozen.signal("SIGCONT");
  await gate.open();
  assertEquals((await world.ended(ids[0])).result, "kept\n");
  ids.push(await world.push({ payload: log.line }));
  await assertClean(world, {
    ids,
    log,
    instances: ["a", "b"].map((letter) => world.instance(`${world.dir}/${letter}`)),
  });
  assertEquals(frozen.code, null);
});

Deno.test("9 what was given up before its launch is not launched by the host that comes back, and leaves nothing behind", async () => {
  await using world = await World.create();
  const log = new ExecutionLog(world.dir);
  const first = await world.runner(host(world, "a", { env: { RUNNER_CRASH_AT: "after_intent" } }));
  const id = await world.push({ payload: log.line, timeout: "0.5" });
  assertEquals(await first.ended, 137);
  const peer = await world.runner(host(world, "b"));
  assertEquals((await world.ended(id)).error.slice(0, 5), "lost:");
  await peer.stop();
  await world.runner(host(world, "a"));
  await assertClean(world, {
    ids: [id],
    log,
    executions: () => [0, 0],
    instances: [world.instance(`${world.dir}/a`)],
  });
});

Deno.test("12 what a frozen runner runs is stopped when another host has it by then, and leaves nothing behind", async () => {
  await using world = await World.create();
  const log = new ExecutionLog(world.dir);
  const gate = new Gate(world.dir);
  const requeue = { args: ["--lost-policy", "requeue"] };
  const frozen = await world.runner(host(world, "a", requeue));
  const id = await world.push({ payload: `${log.line}; ${gate.wait}; echo $RUNNER_ATTEMPT` });
  await until("it runs", () => log.ran(id));
  frozen.signal("SIGSTOP");
  await world.runner(host(world, "b", requeue));
  await until("it runs again", async () => (await log.executions()).get(id)?.length === 2);
  frozen.signal("SIGCONT");
  const first = { socket: `${world.socket}-a` };
  await until("the first attempt is stopped", async () => (await jobProcesses(first)).length === 0);
  await gate.open();
  assertEquals((await world.ended(id)).result, "2\n");
  await assertClean(world, {
    ids: [id],
    log,
    executions: () => [2, 2],
    instances: ["a", "b"].map((letter) => world.instance(`${world.dir}/${letter}`)),
  });
  assertEquals(frozen.code, null);
});

Deno.test("12 an idle runner that is frozen for longer than its lease goes on afterwards", async () => {
  await using world = await World.create();
  const log = new ExecutionLog(world.dir);
  const runner = await world.runner({ args: FAST });
  const peer = await world.runner(host(world, "b"));
  runner.signal("SIGSTOP");
  await until("it is forgotten", async () => await world.redis.call("ZCARD", `rr:lease:${world.name}`) === 1);
  await peer.stop();
  const ids = [await world.push({ payload: log.line })];
  runner.signal("SIGCONT");
  await assertClean(world, { ids, log });
});

Deno.test("14 a copied spool on another host is refused as long as the first one lives, and after", async () => {
  await using world = await World.create();
  const log = new ExecutionLog(world.dir);
  const boot = `${world.dir}/boot`;
  await Deno.writeTextFile(boot, `${crypto.randomUUID()}\n`);
  const first = await world.runner({ args: FAST });
  await copyFolder(world.instance(), world.instance(`${world.dir}/copy`));
  const other = await world.runner({
    ...host(world, "copy"),
    spool: `${world.dir}/copy`,
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
  const ids = [await world.push({ payload: log.line })];
  await assertClean(world, { ids, log });
  assertEquals(first.code, null);
});

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for (const name of ["instance", "runs.jsonl"]) await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
}

Deno.test("15 two hosts share one queue of a thousand jobs, and each job runs once", async () => {
  await using world = await World.create();
  const log = new ExecutionLog(world.dir);
  const ids: string[] = [];
  for (let i = 0; i < 1000; i++) ids.push(await world.push({ payload: log.line }));
  for (const letter of ["a", "b"]) await world.runner(host(world, letter, { args: ["--concurrency", "8"] }));
  await assertClean(world, {
    ids,
    log,
    instances: ["a", "b"].map((letter) => world.instance(`${world.dir}/${letter}`)),
  });
});
