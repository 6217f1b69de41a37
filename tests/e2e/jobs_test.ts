import { assert, assertEquals, assertStringIncludes } from "../support/assert.ts";
import { until } from "../support/until.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";

Deno.test("a submitted job runs, and its output, status and exit code come back", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner();
  const followed = await fixture.run(["submit", "--follow", "echo one; echo two >&2; sleep 0.6; echo three; exit 7"]);
  assertEquals([followed.stdout, followed.code], ["one\ntwo\nthree\n", 7]);
  assertStringIncludes(followed.stderr, "exited with code 7");
  const waited = await fixture.run(["submit", "--wait", "echo quiet"]);
  assertEquals([waited.stdout.includes("quiet"), waited.code], [false, 0]);
  const status = await fixture.run(["status", "@", "--json"]);
  const job = JSON.parse(status.stdout);
  assertEquals([job.status, job.exit_code, job.result], ["finished", 0, "quiet\n"]);
});

Deno.test("exit codes from 0 to 255 and signals come back exactly", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner({ args: ["--concurrency", "8"] });
  const jobs = Array.from({ length: 1000 }, (_, i) => ({ id: `code-${i}`, payload: `exit $((${i} % 256))` }));
  const lines = jobs.map((job) => JSON.stringify(job)).join("\n");
  const submitted = await fixture.run(["submit", "--from", "-"], { input: lines });
  assertEquals(submitted.stdout, jobs.map(({ id }) => `${id}\n`).join(""));
  for (const [i, { id }] of jobs.entries()) {
    const job = await fixture.ended(id, 60_000);
    assertEquals(job.status, i % 256 === 0 ? "finished" : "error", id);
    assertEquals(await fixture.redis.call("HGET", `rr:meta:${id}`, "exit"), String(i % 256), id);
    if (i % 256 > 0 && i % 256 < 129) assertEquals(job.error, `exited with code ${i % 256}`);
  }
  for (const [signal, number] of [["KILL", 9], ["TERM", 15], ["SEGV", 11]] as const) {
    const job = await fixture.ended(await fixture.submit(`kill -${signal} $$`));
    assertEquals([job.status, job.error], ["error", `killed by signal ${number} (${signal})`]);
  }
});

Deno.test("jobs of one session run side by side, jobs of one window in queue order", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner({ args: ["--concurrency", "4"] });
  const meet = (here: string, there: string) =>
    `: > ${fixture.dir}/${here}; for i in $(seq 300); do [ -e ${fixture.dir}/${there} ] && exit 0; sleep 0.1; done; exit 9`;
  const left = await fixture.submit("-e", "tmux.pair", meet("left", "right"));
  const right = await fixture.submit("-e", "tmux.pair", meet("right", "left"));
  assertEquals([(await fixture.ended(left)).status, (await fixture.ended(right)).status], ["finished", "finished"]);

  const log = `${fixture.dir}/order`;
  const ids = [];
  for (let i = 0; i < 6; i++) {
    ids.push(
      await fixture.push({
        executor: "tmux.pair.line",
        payload: `echo start ${i} >> ${log}; sleep 0.05; echo end ${i} >> ${log}`,
      }),
    );
  }
  for (const id of ids) await fixture.ended(id);
  const lines = (await Deno.readTextFile(log)).trim().split("\n");
  assertEquals(lines, Array.from({ length: 6 }, (_, i) => [`start ${i}`, `end ${i}`]).flat());
});

Deno.test("a line of jobs for a busy pane does not hold up jobs for other panes", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner({ args: ["--concurrency", "2"] });
  const busy = await fixture.push({
    executor: "tmux.s.busy",
    payload: `until [ -e ${fixture.dir}/go ]; do sleep 0.05; done`,
  });
  const behind = [];
  for (let i = 0; i < 10; i++) {
    behind.push(await fixture.push({ executor: "tmux.s.busy", payload: "true", runner: fixture.name }));
  }
  const other = await fixture.push({ executor: "tmux.s.free", payload: "echo passed" });
  assertEquals((await fixture.ended(other)).result, "passed\n");
  assertEquals((await fixture.job(busy)).status, "started");
  const why = await fixture.run(["status", behind[0]]);
  assertStringIncludes(why.stdout + why.stderr, busy);
  await Deno.writeTextFile(`${fixture.dir}/go`, "");
  for (const id of behind) assertEquals((await fixture.ended(id)).status, "finished");
});

Deno.test("environment, working directory and interpreter of a job are what the submitter says", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner({ env: { SECRET_OF_THE_RUNNER: "leak", HOME: Deno.env.get("HOME") ?? fixture.dir } });
  const value = `a'b"c $HOME \`id\` \\ * ~ \n line two äöü 🎉 `;
  const script = `${fixture.dir}/script`;
  await Deno.writeTextFile(script, '#!/usr/bin/env -S sh -u\nprintf \'%s|%s\' "$VALUE" "$PWD"');
  const job = await fixture.ended(await fixture.submit("--script", script, "--env", `VALUE=${value}`, "--cwd", "/usr"));
  assertEquals(job.result, `${value}|/usr`);
  const env = await fixture.ended(
    await fixture.submit("env | cut -d= -f1 | sort | tr '\\n' ' '; test -t 0 && test -t 1"),
  );
  assertEquals(env.status, "finished", "stdin and stdout are a terminal");
  assertEquals(env.result.includes("SECRET"), false);
  for (const name of ["HOME", "PATH", "RUNNER_ATTEMPT", "RUNNER_JOB_ID", "RUNNER_RUN", "TERM"]) {
    assertStringIncludes(` ${env.result}`, ` ${name} `);
  }
  const missing = await fixture.ended(await fixture.submit("--cwd", "/does/not/exist", "echo no"));
  assertEquals([missing.status, missing.result.includes("no\n")], ["error", false]);
});

Deno.test("a secret in the environment of a job is in no command line, tmux option or log", async () => {
  await using fixture = await RunnerFixture.create();
  const runner = await fixture.runner();
  const secret = "s3cr3t-value";
  const id = await fixture.push({
    payload: `until [ -e ${fixture.dir}/go ]; do sleep 0.05; done`,
    env_vars: JSON.stringify({ TOKEN: secret }),
  });
  await fixture.reaches(id, "started");
  const ps = await new Deno.Command("ps", { args: ["-eo", "args"] }).output();
  const places = [
    new TextDecoder().decode(ps.stdout),
    await fixture.tmux("show-environment", "-g"),
    await fixture.tmux("show-messages"),
    await fixture.tmux("list-panes", "-a", "-F", "#{pane_title} #{pane_start_command} #{window_name}"),
    runner.log,
    (await fixture.run(["status", id])).stdout,
  ];
  for (const place of places) assertEquals(place.includes(secret), false, place);
  for await (const entry of Deno.readDir(`${fixture.dir}/spool/${fixture.name}`)) {
    const { mode } = await Deno.stat(`${fixture.dir}/spool/${fixture.name}/${entry.name}`);
    assertEquals(mode! & 0o077, 0, entry.name);
  }
  await Deno.writeTextFile(`${fixture.dir}/go`, "");
  await fixture.ended(id);
});

Deno.test("a job that reaches its timeout is stopped with all that it started", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner({ args: ["--kill-grace", "1s"] });
  const pids = `${fixture.dir}/pids`;
  const payload = `trap '' HUP TERM INT; (setsid sleep 300 & echo $! >> ${pids}); sleep 300 & echo $! >> ${pids}; wait`;
  const result = await fixture.run(["submit", "--wait", "--timeout", "1s", payload]);
  assertEquals(result.code, 124);
  assertStringIncludes(result.stderr, "timed out after 1 s");
  for (const pid of (await Deno.readTextFile(pids)).trim().split("\n")) {
    await until(`process ${pid} is gone`, async () => !(await exists(`/proc/${pid}`)));
  }
});

Deno.test("cancel stops a job that waits and a job that runs", async () => {
  await using fixture = await RunnerFixture.create();
  const waiting = await fixture.submit("echo never");
  assertEquals((await fixture.run(["cancel", waiting, "--reason", "changed my mind"])).code, 0);
  assertEquals((await fixture.job(waiting)).error, "cancelled: changed my mind");
  await fixture.runner({ args: ["--kill-grace", "1s", "--heartbeat", "200ms"] });
  const running = await fixture.submit("sleep 300");
  await fixture.reaches(running, "started");
  assertEquals((await fixture.run(["cancel", running, "--reason", "enough"])).code, 0);
  const job = await fixture.ended(running);
  assertEquals([job.status, job.error], ["error", "cancelled: enough"]);
  assertEquals((await fixture.run(["wait", running])).code, 130);
  assertEquals((await fixture.job(waiting)).status, "error");
});

Deno.test("output that is large is whole in the spool, and head and tail in the result", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner();
  const id = await fixture.submit("seq 1 200000");
  const job = await fixture.ended(id, 60_000);
  const whole = Array.from({ length: 200000 }, (_, i) => `${i + 1}\n`).join("");
  const missing = whole.length - 2 * 65536;
  const marker = `\n[${missing} bytes missing here: the middle of ${whole.length}]\n`;
  assertEquals(job.result, whole.slice(0, 65536) + marker + whole.slice(-65536));
  const [file] = await outputs(fixture);
  assertEquals(await Deno.readTextFile(file), whole);
});

Deno.test("output that is not text becomes valid UTF-8 in Redis and stays as it is in the spool", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner();
  const id = await fixture.submit("printf 'a\\377\\000b\\303\\r\\n\\033[31mred'");
  assertEquals((await fixture.ended(id)).result, "a\ufffd\ufffdb\ufffd\r\n\x1b[31mred");
  const [file] = await outputs(fixture);
  const bytes = [0x61, 0xff, 0, 0x62, 0xc3, 13, 10, ...new TextEncoder().encode("\x1b[31mred")];
  assertEquals([...await Deno.readFile(file)], bytes);
});

Deno.test("further attempts, delays and jobs that wait for others work together", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner({ args: ["--concurrency", "2"] });
  const count = `${fixture.dir}/count`;
  const payload = `echo x >> ${count}; [ $(wc -l < ${count}) -eq 3 ]`;
  const flaky = await fixture.submit("--retries", "3", "--backoff", "100ms..200ms", payload);
  const after = await fixture.submit("--after", flaky, "echo after");
  const failing = await fixture.submit("--in", "300ms", "exit 4");
  const never = await fixture.submit("--after", failing, "echo never");
  assertEquals((await fixture.ended(flaky)).status, "finished");
  assertEquals(await fixture.redis.call("HGET", `rr:meta:${flaky}`, "attempt"), "3");
  assertEquals((await fixture.ended(after)).result, "after\n");
  assertEquals((await fixture.ended(failing)).error, "exited with code 4");
  const job = await fixture.ended(never);
  const error = `skipped: job "${failing}", which must finish first, ended with error`;
  assertEquals([job.status, job.error], ["error", error]);
  assertEquals((await fixture.run(["wait", never])).code, 123);
});

Deno.test("what an attempt wrote that is tried again is shown whole", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner();
  const job = "echo begin $RUNNER_ATTEMPT; echo why it failed; exit 3";
  const again = ["submit", "--retries", "1", "--backoff", "1s..1s", "--follow"];
  const { code, stdout } = await fixture.run([...again, job]);
  assertEquals([code, stdout], [3, "begin 1\nwhy it failed\nbegin 2\nwhy it failed\n"]);
});

Deno.test("burst ends when the queue is empty", async () => {
  await using fixture = await RunnerFixture.create();
  const ids = [];
  for (let i = 0; i < 5; i++) ids.push(await fixture.push({ payload: "true" }));
  const runner = await fixture.runner({ args: ["--burst"], ready: false });
  assertEquals(await runner.ended, 0, runner.log);
  for (const id of ids) assertEquals((await fixture.job(id)).status, "finished");
});

Deno.test("ended jobs leave nothing behind but what was asked for", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner();
  const id = await fixture.submit("--keep", "1s", "true");
  await fixture.ended(id);
  await until(
    "the job has left Redis",
    async () => await fixture.redis.call("EXISTS", `job_${id}`, `rr:meta:${id}`) === 0,
  );
  const dir = `${fixture.dir}/spool/${fixture.name}`;
  await until("no file of the run is left", async () => (await names(`${dir}/jobs`)).length === 0);
});

async function names(dir: string): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of Deno.readDir(dir)) found.push(entry.name);
  return found;
}

async function outputs(fixture: RunnerFixture): Promise<string[]> {
  const found: string[] = [];
  for (const folder of ["out", "kept"]) {
    const dir = `${fixture.instance()}/${folder}`;
    found.push(...(await names(dir)).map((name) => `${dir}/${name}`));
  }
  return found;
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then((stat) => assert(stat) === undefined, () => false);
}
