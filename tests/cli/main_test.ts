/** The program as a child process: what only the real streams, signals and exit codes show. */
import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { until } from "../support/until.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";

/** Runs shell text in which `runner` is the program under test. */
async function shell(fixture: RunnerFixture, text: string) {
  const program = Deno.env.get("RUNNER_BIN") ?? new URL("../../scripts/runner", import.meta.url).pathname;
  const child = new Deno.Command("sh", {
    args: ["-c", `runner() { "$RUNNER_UNDER_TEST" "$@"; }\n${text}`],
    clearEnv: true,
    env: { ...fixture.env(quiet(fixture)), RUNNER_UNDER_TEST: program },
    cwd: fixture.dir,
  });
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** No configuration file but the fixture's own. */
function quiet(fixture: RunnerFixture): Record<string, string> {
  return {
    RUNNER_CONFIG: "",
    XDG_CONFIG_HOME: fixture.dir,
    RUNNER_REGISTRY: registry(),
  };
}

/** As the gate chose it. */
function registry(): string {
  return Deno.env.get("RUNNER_REGISTRY") ?? "npm";
}

Deno.test("main() keeps data on stdout, talk on stderr, and ends with documented codes", async () => {
  await using fixture = await RunnerFixture.create();
  const run = (...args: string[]) => fixture.run(args, { env: quiet(fixture) });
  const usage = await run("submit", "--wiat", "true");
  assertEquals([usage.code, usage.stdout], [2, ""]);
  assertEquals(
    usage.stderr,
    'runner: Cannot use "--wiat": there is no such option, perhaps you mean --wait; see runner submit --help\n',
  );
  const json = await run("wait", "--json", "nobody");
  assertEquals([json.code, json.stdout, JSON.parse(json.stderr).code], [4, "", 4]);
  const help = await run();
  assertEquals([help.code, help.stderr], [0, ""]);
  const version = await run("version");
  assertMatch(version.stdout, /^runner \d+\.\d+\.\d+\n$/);
  const submitted = await run("submit", "--id", "j1", "echo hi");
  assertEquals(submitted, { code: 0, stdout: "j1\n", stderr: "" });
  assertEquals((await fixture.redis.hash("job_j1")).payload, "echo hi");
  assertEquals((await run("wait", "--timeout", "50ms", "j1")).code, 75);
  assertEquals((await run("cancel", "j1", "--reason", "test")).code, 0);
  assertEquals((await run("wait", "j1")).code, 130);
  assertEquals((await run("submit", "--id=-x", "true")).code, 0);
  assertEquals((await run("cancel", "--", "-x")).code, 0);
  const detail = JSON.parse((await run("status", "--json", "@")).stdout);
  assertEquals([detail.id, detail.status, detail.error], ["-x", "error", "cancelled"]);
});

Deno.test("main() reads jobs from files and from standard input", async () => {
  await using fixture = await RunnerFixture.create();
  const env = quiet(fixture);
  const text = "echo größe\n";
  await Deno.writeTextFile(`${fixture.dir}/job.sh`, text);
  const piped = await fixture.run(["submit", "-"], { env, input: text });
  const file = await fixture.run(["submit", "--script", "job.sh"], { env });
  for (const { stdout } of [piped, file]) assertEquals((await fixture.job(stdout.trim())).payload, text);
  const lines = Array.from({ length: 1_000 }, (_, i) => `{"payload":"echo ${i}","id":"b${i}"}\n`).join("");
  const batch = await fixture.run(["submit", "--from", "-"], { env, input: lines });
  assertEquals([batch.code, batch.stderr], [0, ""]);
  assertEquals(batch.stdout, Array.from({ length: 1_000 }, (_, i) => `b${i}\n`).join(""));
  // LPUSH: the newest stands first
  const queue = await fixture.redis.call("LRANGE", `runner:${fixture.name}`, "0", "-3") as string[];
  assertEquals(queue.toReversed(), Array.from({ length: 1_000 }, (_, i) => `b${i}`));
});

Deno.test("main() says within its time that Redis does not answer", async () => {
  await using fixture = await RunnerFixture.create();
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = silent.addr;
  const env = { ...quiet(fixture), REDIS_URL: `redis://u:secret@127.0.0.1:${port}` };
  const { code, stdout, stderr } = await fixture.run(["status", "--redis-timeout", "300ms"], { env });
  assertEquals([code, stdout], [69, ""]);
  assertMatch(
    stderr,
    /^runner: Cannot run runner status: Redis at 127\.0\.0\.1:\d+ cannot be reached: it did not answer within 300 ms; check host/,
  );
  assert(!stderr.includes("secret"));
});

Deno.test("main() ends quietly when its reader goes away", async () => {
  await using fixture = await RunnerFixture.create();
  const { code, stdout, stderr } = await shell(fixture, "{ runner help submit; echo $? >code; } | true; cat code");
  assertEquals([code, stdout, stderr], [0, "0\n", ""]);
  const closed = await shell(fixture, "runner submit --bad 2>&1 >/dev/null | true");
  assertEquals(closed, { code: 0, stdout: "", stderr: "" });
});

Deno.test("main() says what was done when its output cannot be written", async () => {
  await using fixture = await RunnerFixture.create();
  const full = "runner: Cannot write to standard output: No space left on device (os error 28)";
  const one = await shell(fixture, "runner submit --id j1 true >/dev/full");
  assertEquals([one.code, one.stderr], [1, `${full}; job j1 is queued\n`]);
  const again = await shell(fixture, "runner submit --id j1 true >/dev/full");
  assertEquals([again.code, again.stderr.trim().split("\n").at(-1)], [1, `${full}; job j1 is already there`]);
  const many = await shell(fixture, `yes '{"payload":"true"}' | head -n 3 | runner submit --from - >/dev/full`);
  assertEquals([many.code, many.stderr.trim().split("\n").at(-1)], [
    1,
    `${full}; 3 of 3 jobs are queued, or were there already`,
  ]);
  const help = await shell(fixture, "runner help >/dev/full");
  assertEquals([help.code, help.stderr], [1, `${full}\n`]);
});

Deno.test("main() detaches from a job at a signal and says how to cancel", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.run(["submit", "--id", "j1", "true"], { env: quiet(fixture) });
  const ran = shell(
    fixture,
    '"$RUNNER_UNDER_TEST" wait j1 & pid=$!; while [ ! -e go ]; do sleep 0.05; done; kill -TERM "$pid"; wait "$pid"',
  );
  try {
    await until("somebody listens for changes", async () => {
      const channels = await fixture.redis.call("PUBSUB", "CHANNELS");
      return Array.isArray(channels) && channels.length > 0;
    });
  } finally {
    await Deno.writeTextFile(`${fixture.dir}/go`, "");
  }
  const { code, stdout, stderr } = await ran;
  assertEquals([code, stdout], [143, ""]);
  const none = `runner: no runner "${fixture.name}" is alive yet; start one: runner run --name ${fixture.name}\n`;
  assertEquals(stderr, none + "\nrunner: detached; the job goes on; to stop: runner cancel j1\n");
  assertEquals((await fixture.job("j1")).status, "dispatched");
});

Deno.test("main() reads settings from the configuration file, and refuses a wrong one", async () => {
  await using fixture = await RunnerFixture.create();
  await Deno.mkdir(`${fixture.dir}/runner`);
  const path = `${fixture.dir}/runner/config.json`;
  await Deno.writeTextFile(path, '{"namespace": "tenant", "concurrency": 9}');
  const env = quiet(fixture);
  const settings = JSON.parse((await fixture.run(["config", "--json"], { env })).stdout);
  assertEquals(settings.namespace, { value: "tenant:", origin: `file ${path}` });
  assertEquals(settings.concurrency, { value: 9, origin: `file ${path}` });
  assertEquals(settings.name, { value: fixture.name, origin: "environment RUNNER_NAME" });
  await Deno.writeTextFile(path, '{"namepsace": "tenant"}');
  const { code, stderr } = await fixture.run(["status"], { env });
  assertEquals(code, 2);
  assertMatch(
    stderr,
    /Cannot use key "namepsace" in ".*config\.json": there is no such setting; perhaps you mean "namespace"/,
  );
});
