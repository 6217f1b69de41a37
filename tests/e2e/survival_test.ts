import { assert, assertEquals, assertStringIncludes } from "../support/assert.ts";
import { until } from "../support/until.ts";
import { World } from "../support/world.ts";

Deno.test("twenty running jobs survive kill -9 of their runner: each runs once and ends with its code and whole output", async () => {
  await using world = await World.create();
  const log = `${world.dir}/executions`;
  const first = await world.runner({ args: ["--concurrency", "20"] });
  const ids = [];
  for (let i = 0; i < 20; i++) {
    // half of them end while no runner lives
    const wait = i % 2 ? `until [ -e ${world.dir}/go ]; do sleep 0.05; done` : "sleep 1";
    const payload = `echo ${i} >> ${log}; echo before; ${wait}; seq 1 ${i * 50}; exit ${i}`;
    ids.push(await world.push({ payload }));
  }
  for (const id of ids) await world.reaches(id, "started");
  await until("all run", async () => (await Deno.readTextFile(log).catch(() => "")).split("\n").length === 21);
  await first.kill9();
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const begun = performance.now();
  await world.runner({ args: ["--concurrency", "20"] });
  const took = performance.now() - begun;
  await Deno.writeTextFile(`${world.dir}/go`, "");
  for (const [i, id] of ids.entries()) {
    const job = await world.ended(id);
    assertEquals(job.status, i === 0 ? "finished" : "error");
    assertEquals(job.error, i === 0 ? "" : `exited with code ${i}`);
    assertEquals(
      job.result,
      "before\n" + Array.from({ length: i * 50 }, (_, n) => `${n + 1}\n`).join(""),
      `after ${took}`,
    );
  }
  const ran = (await Deno.readTextFile(log)).trim().split("\n").map(Number).sort((a, b) => a - b);
  assertEquals(ran, Array.from({ length: 20 }, (_, i) => i));
});

Deno.test("a job that outlives its runner took as long as it ran, whether it ends under the next one or before", async () => {
  await using world = await World.create();
  const hooks = `${world.dir}/hooks`;
  const args = ["--on-end", `echo "$RUNNER_JOB_ID $RUNNER_SECONDS" >> ${hooks}`];
  const first = await world.runner({ args });
  const push = (name: string) =>
    world.push({ payload: `: > ${world.dir}/${name}.begun; until [ -e ${world.dir}/${name} ]; do sleep 0.05; done` });
  const ids = { before: await push("before"), after: await push("after") };
  for (const name of ["before", "after"]) {
    await until(`${name} runs`, () => Deno.stat(`${world.dir}/${name}.begun`).catch(() => null));
  }
  const begun = performance.now();
  await first.kill9();
  await Deno.writeTextFile(`${world.dir}/before`, "");
  const journals = async () => {
    const found = [];
    for await (const { name } of Deno.readDir(`${world.instance()}/lanes`)) {
      found.push(await Deno.readTextFile(`${world.instance()}/lanes/${name}/journal`));
    }
    return found.join();
  };
  await until("it has ended", async () => /\nE /.test(await journals()));
  const ended = performance.now();
  await until("that was long ago", () => performance.now() - ended > 3 * (ended - begun) + 2_000);
  await world.runner({ args });
  await Deno.writeTextFile(`${world.dir}/after`, "");
  for (const id of Object.values(ids)) assertEquals((await world.ended(id)).status, "finished");
  const took = async (id: string) => Number((await world.redis.hash(`rr:x:${id}`)).ms);
  const ran = { before: ended - begun, after: performance.now() - begun };
  const [before, after] = [await took(ids.before), await took(ids.after)];
  assert(before < ended - begun + (ran.after - ran.before) / 2, `${before} ms of ${ran.before}`);
  assert(after > 0.8 * ran.after && after < 2 * ran.after, `${after} ms of ${ran.after}`);
  const told = await until("the hooks have run", async () => {
    const text = await Deno.readTextFile(hooks).catch(() => "");
    return text.trim().split("\n").length === 2 && text;
  });
  for (const [id, ms] of [[ids.before, before], [ids.after, after]]) {
    assertStringIncludes(told, `${id} ${Number(ms) / 1000}\n`);
  }
});

Deno.test("TERM leaves running jobs to the next runner and gives back what has not started", async () => {
  await using world = await World.create();
  const runner = await world.runner({ args: ["--concurrency", "1"] });
  const running = await world.push({ payload: `until [ -e ${world.dir}/go ]; do sleep 0.05; done; echo done` });
  await world.reaches(running, "started");
  const queued = [await world.push({ payload: "echo 1" }), await world.push({ payload: "echo 2" })];
  assertEquals(await runner.stop(), 0);
  assertStringIncludes(runner.log, "left 1 running job in tmux");
  assertEquals((await world.job(running)).status, "started");
  const ids = await world.redis.call("LRANGE", `runner:${world.name}`, 0, -1);
  assertEquals(ids, queued.toReversed());
  await Deno.writeTextFile(`${world.dir}/go`, "");
  await world.runner();
  assertEquals((await world.ended(running)).result, "done\n");
  for (const id of queued) await world.ended(id);
});

Deno.test("with --drain the first signal waits for running jobs", async () => {
  await using world = await World.create();
  const runner = await world.runner({ args: ["--drain"] });
  const id = await world.push({ payload: `until [ -e ${world.dir}/go ]; do sleep 0.05; done; echo done` });
  await world.reaches(id, "started");
  runner.signal("SIGTERM");
  await runner.says("waiting for 1 running job");
  const late = await world.push({ payload: "echo late" });
  await Deno.writeTextFile(`${world.dir}/go`, "");
  assertEquals(await runner.ended, 0);
  assertEquals((await world.job(id)).status, "finished");
  assertEquals((await world.job(late)).status ?? "dispatched", "dispatched");
});

Deno.test("a second runner of the same name on the same host is refused", async () => {
  await using world = await World.create();
  await world.runner();
  const second = await world.runner({ ready: false });
  assertEquals(await second.ended, 1);
  assertStringIncludes(second.log, "already runs on this host");
});

Deno.test("two runners of one name with spools of their own share the queue, each job runs once", async () => {
  await using world = await World.create();
  const log = `${world.dir}/executions`;
  await world.runner({ spool: `${world.dir}/a`, env: { RUNNER_TMUX_SOCKET: `${world.socket}-a` } });
  await world.runner({ spool: `${world.dir}/b`, env: { RUNNER_TMUX_SOCKET: `${world.socket}-b` } });
  const ids = [];
  for (let i = 0; i < 100; i++) ids.push(await world.push({ payload: `echo ${i} >> ${log}` }));
  for (const id of ids) assertEquals((await world.ended(id)).status, "finished");
  const ran = (await Deno.readTextFile(log)).trim().split("\n").map(Number).sort((a, b) => a - b);
  assertEquals(ran, Array.from({ length: 100 }, (_, i) => i));
});

Deno.test("a runner takes jobs again by itself when Redis was away", async () => {
  await using world = await World.create({ persistence: "aof-always" });
  await world.runner();
  const running = await world.push({ payload: `until [ -e ${world.dir}/go ]; do sleep 0.05; done; echo done` });
  await world.reaches(running, "started");
  await world.redis.kill9();
  await Deno.writeTextFile(`${world.dir}/go`, "");
  await new Promise((resolve) => setTimeout(resolve, 1000));
  await world.redis.restart();
  assertEquals((await world.ended(running)).result, "done\n");
  const id = await world.push({ payload: "echo back" });
  assertEquals((await world.ended(id, 30_000)).result, "back\n");
});

Deno.test("a runner keeps its spool below the home folder, whatever that is called and however long its path is", async () => {
  await using world = await World.create();
  const home = `${world.dir}/${"a very long name of a folder; ".repeat(8)}/it's $HOME "{}" #{pid} %d/\u00e4`;
  await Deno.mkdir(home, { recursive: true });
  const cache = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME")}/.cache`;
  const runner = await world.runner({
    env: { HOME: home, XDG_STATE_HOME: "", XDG_CACHE_HOME: cache, RUNNER_SPOOL: "" },
  });
  assertEquals((await world.ended(await world.push({ payload: "echo here; exit 3" }))).result, "here\n");
  assertEquals((await world.ended(await world.push({ payload: "#!/bin/sh\necho there" }))).result, "there\n");
  assertEquals((await Deno.stat(`${home}/.local/state/runner/${world.name}`)).mode! & 0o777, 0o700);
  assertEquals(await runner.stop(), 0);
});

Deno.test("without Redis the runner says once what to do, and waits", async () => {
  await using world = await World.create();
  const runner = await world.runner({ args: ["--redis-url", "127.0.0.1:1"], ready: false });
  await runner.says("--embedded-redis");
  assertEquals(await runner.stop(), 0);
  assertEquals(runner.log.match(/waiting for Redis/g)?.length, 1, runner.log);
});

Deno.test("an embedded Redis comes and goes with the runner, and keeps its jobs", async () => {
  await using world = await World.create();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const env = { REDIS_URL: `redis://:hidden-word@127.0.0.1:${port}` };
  const args = ["--embedded-redis"];
  const runner = await world.runner({ args, env });
  const id = (await world.run(["submit", "--wait", "echo kept"], { env })).stdout.trim();
  const ps = await new Deno.Command("ps", { args: ["-eo", "args"] }).output();
  assertEquals(new TextDecoder().decode(ps.stdout).includes("hidden-word"), false);
  assertEquals(await runner.stop(), 0);
  assertEquals((await world.run(["status"], { env })).code, 69);
  const crashed = await world.runner({ args, env });
  await crashed.kill9();
  const again = await world.runner({ args, env });
  const status = await world.run(["status", id, "--json"], { env });
  assertEquals(JSON.parse(status.stdout).result, "kept\n");
  assertEquals(await again.stop(), 0);
  assertEquals((await world.run(["status"], { env })).code, 69);
});
