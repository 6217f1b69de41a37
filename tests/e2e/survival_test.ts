import { assert, assertEquals, assertStringIncludes } from "../support/assert.ts";
import { until } from "../support/until.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";

/** Ends that the lanes of the runner have noted. */
async function endsInJournals(fixture: RunnerFixture): Promise<number> {
  let ends = 0;
  for await (const { name } of Deno.readDir(`${fixture.instance()}/lanes`)) {
    const journal = await Deno.readTextFile(`${fixture.instance()}/lanes/${name}/journal`);
    ends += journal.split("\nE ").length - 1;
  }
  return ends;
}

Deno.test("twenty running jobs survive kill -9 of their runner: each runs once and ends with its code and whole output", async () => {
  await using fixture = await RunnerFixture.create();
  const log = `${fixture.dir}/executions`;
  const first = await fixture.runner({ args: ["--concurrency", "20"] });
  const ids = [];
  for (let i = 0; i < 20; i++) {
    // half of them end while no runner lives
    const wait = `until [ -e ${fixture.dir}/${i % 2 ? "later" : "now"} ]; do sleep 0.05; done`;
    const payload = `echo ${i} >> ${log}; echo before; ${wait}; seq 1 ${i * 50}; exit ${i}`;
    ids.push(await fixture.push({ payload }));
  }
  for (const id of ids) await fixture.reaches(id, "started");
  await until("all run", async () => (await Deno.readTextFile(log).catch(() => "")).split("\n").length === 21);
  await first.kill9();
  await Deno.writeTextFile(`${fixture.dir}/now`, "");
  await until("half of them have ended", async () => await endsInJournals(fixture) === 10);
  await fixture.runner({ args: ["--concurrency", "20"] });
  await Deno.writeTextFile(`${fixture.dir}/later`, "");
  for (const [i, id] of ids.entries()) {
    const job = await fixture.ended(id);
    assertEquals(job.status, i === 0 ? "finished" : "error");
    assertEquals(job.error, i === 0 ? "" : `exited with code ${i}`);
    assertEquals(job.result, "before\n" + Array.from({ length: i * 50 }, (_, n) => `${n + 1}\n`).join(""));
  }
  const ran = (await Deno.readTextFile(log)).trim().split("\n").map(Number).sort((a, b) => a - b);
  assertEquals(ran, Array.from({ length: 20 }, (_, i) => i));
});

Deno.test("a job that outlives its runner took as long as it ran, whether it ends under the next one or before", async () => {
  await using fixture = await RunnerFixture.create();
  const hooks = `${fixture.dir}/hooks`;
  const args = ["--on-end", `echo "$RUNNER_JOB_ID $RUNNER_SECONDS" >> ${hooks}`];
  const first = await fixture.runner({ args });
  const push = (name: string) =>
    fixture.push({
      payload: `: > ${fixture.dir}/${name}.begun; until [ -e ${fixture.dir}/${name} ]; do sleep 0.05; done`,
    });
  const ids = { before: await push("before"), after: await push("after") };
  for (const name of ["before", "after"]) {
    await until(`${name} runs`, () => Deno.stat(`${fixture.dir}/${name}.begun`).catch(() => null));
  }
  const begun = performance.now();
  await first.kill9();
  await Deno.writeTextFile(`${fixture.dir}/before`, "");
  await until("it has ended", async () => await endsInJournals(fixture) === 1);
  const ended = performance.now();
  await until("that was long ago", () => performance.now() - ended > 3 * (ended - begun) + 2_000);
  await fixture.runner({ args });
  await Deno.writeTextFile(`${fixture.dir}/after`, "");
  for (const id of Object.values(ids)) assertEquals((await fixture.ended(id)).status, "finished");
  const took = async (id: string) => Number((await fixture.redis.hash(`rr:meta:${id}`)).ms);
  const ran = { before: ended - begun, after: performance.now() - begun };
  const [before, after] = [await took(ids.before), await took(ids.after)];
  assert(before < ended - begun + (ran.after - ran.before) / 2, `${before} ms of ${ran.before}`);
  assert(after > 0.8 * ran.after && after < 2 * ran.after, `${after} ms of ${ran.after}`);
  const reported = await until("the hooks have run", async () => {
    const text = await Deno.readTextFile(hooks).catch(() => "");
    return text.trim().split("\n").length === 2 && text;
  });
  for (const [id, ms] of [[ids.before, before], [ids.after, after]]) {
    assertStringIncludes(reported, `${id} ${Number(ms) / 1000}\n`);
  }
});

Deno.test("TERM leaves running jobs to the next runner and gives back what has not started", async () => {
  await using fixture = await RunnerFixture.create();
  const runner = await fixture.runner({ args: ["--concurrency", "1"] });
  const running = await fixture.push({ payload: `until [ -e ${fixture.dir}/go ]; do sleep 0.05; done; echo done` });
  await fixture.reaches(running, "started");
  const queued = [await fixture.push({ payload: "echo 1" }), await fixture.push({ payload: "echo 2" })];
  assertEquals(await runner.stop(), 0);
  assertStringIncludes(runner.log, "left 1 running job in tmux");
  assertEquals((await fixture.job(running)).status, "started");
  const ids = await fixture.redis.call("LRANGE", `runner:${fixture.name}`, 0, -1);
  assertEquals(ids, queued.toReversed());
  await Deno.writeTextFile(`${fixture.dir}/go`, "");
  await fixture.runner();
  assertEquals((await fixture.ended(running)).result, "done\n");
  for (const id of queued) await fixture.ended(id);
});

Deno.test("with --drain the first signal waits for running jobs", async () => {
  await using fixture = await RunnerFixture.create();
  const runner = await fixture.runner({ args: ["--drain"] });
  const id = await fixture.push({ payload: `until [ -e ${fixture.dir}/go ]; do sleep 0.05; done; echo done` });
  await fixture.reaches(id, "started");
  runner.signal("SIGTERM");
  await runner.says("waiting for 1 running job");
  const late = await fixture.push({ payload: "echo late" });
  await Deno.writeTextFile(`${fixture.dir}/go`, "");
  assertEquals(await runner.ended, 0);
  assertEquals((await fixture.job(id)).status, "finished");
  assertEquals((await fixture.job(late)).status ?? "dispatched", "dispatched");
});

Deno.test("a second runner of the same name on the same host is refused", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner();
  const second = await fixture.runner({ ready: false });
  assertEquals(await second.ended, 1);
  assertStringIncludes(second.log, "already runs on this host");
});

Deno.test("two runners of one name with spools of their own share the queue, each job runs once", async () => {
  await using fixture = await RunnerFixture.create();
  const log = `${fixture.dir}/executions`;
  await fixture.runner({ spool: `${fixture.dir}/a`, env: { RUNNER_TMUX_SOCKET: `${fixture.socket}-a` } });
  await fixture.runner({ spool: `${fixture.dir}/b`, env: { RUNNER_TMUX_SOCKET: `${fixture.socket}-b` } });
  const ids = [];
  for (let i = 0; i < 100; i++) ids.push(await fixture.push({ payload: `echo ${i} >> ${log}` }));
  for (const id of ids) assertEquals((await fixture.ended(id)).status, "finished");
  const ran = (await Deno.readTextFile(log)).trim().split("\n").map(Number).sort((a, b) => a - b);
  assertEquals(ran, Array.from({ length: 100 }, (_, i) => i));
});

Deno.test("a runner claims jobs again by itself when Redis was away", async () => {
  await using fixture = await RunnerFixture.create({ persistence: "aof-always" });
  const runner = await fixture.runner();
  const running = await fixture.push({ payload: `until [ -e ${fixture.dir}/go ]; do sleep 0.05; done; echo done` });
  await fixture.reaches(running, "started");
  await fixture.redis.kill9();
  await Deno.writeTextFile(`${fixture.dir}/go`, "");
  await runner.says("end not acknowledged yet");
  await fixture.redis.restart();
  assertEquals((await fixture.ended(running)).result, "done\n");
  const id = await fixture.push({ payload: "echo back" });
  assertEquals((await fixture.ended(id, 30_000)).result, "back\n");
});

Deno.test("a runner keeps its spool below the home folder, whatever that is called and however long its path is", async () => {
  await using fixture = await RunnerFixture.create();
  const home = `${fixture.dir}/${"a very long name of a folder; ".repeat(8)}/it's $HOME "{}" #{pid} %d/\u00e4`;
  await Deno.mkdir(home, { recursive: true });
  const cache = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME")}/.cache`;
  const runner = await fixture.runner({
    env: { HOME: home, XDG_STATE_HOME: "", XDG_CACHE_HOME: cache, RUNNER_SPOOL: "" },
  });
  assertEquals((await fixture.ended(await fixture.push({ payload: "echo here; exit 3" }))).result, "here\n");
  assertEquals((await fixture.ended(await fixture.push({ payload: "#!/bin/sh\necho there" }))).result, "there\n");
  assertEquals((await Deno.stat(`${home}/.local/state/runner/${fixture.name}`)).mode! & 0o777, 0o700);
  assertEquals(await runner.stop(), 0);
});

Deno.test("without Redis the runner says once what to do, and waits", async () => {
  await using fixture = await RunnerFixture.create();
  const runner = await fixture.runner({ args: ["--redis-url", "127.0.0.1:1"], ready: false });
  await runner.says("--embedded-redis");
  assertEquals(await runner.stop(), 0);
  assertEquals(runner.log.match(/waiting for Redis/g)?.length, 1, runner.log);
});

Deno.test("an embedded Redis comes and goes with the runner, and keeps its jobs", async () => {
  await using fixture = await RunnerFixture.create();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const env = { REDIS_URL: `redis://:hidden-word@127.0.0.1:${port}` };
  const args = ["--embedded-redis"];
  const runner = await fixture.runner({ args, env });
  const id = (await fixture.run(["submit", "--wait", "echo kept"], { env })).stdout.trim();
  const ps = await new Deno.Command("ps", { args: ["-eo", "args"] }).output();
  assertEquals(new TextDecoder().decode(ps.stdout).includes("hidden-word"), false);
  assertEquals(await runner.stop(), 0);
  assertEquals((await fixture.run(["status"], { env })).code, 69);
  const crashed = await fixture.runner({ args, env });
  await crashed.kill9();
  const again = await fixture.runner({ args, env });
  const status = await fixture.run(["status", id, "--json"], { env });
  assertEquals(JSON.parse(status.stdout).result, "kept\n");
  assertEquals(await again.stop(), 0);
  assertEquals((await fixture.run(["status"], { env })).code, 69);
});
