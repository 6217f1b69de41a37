/** `runner run --on-end`, with the real program. */
import { assert, assertEquals, assertStringIncludes } from "../support/assert.ts";
import { Barrier } from "../support/barrier.ts";
import { until } from "../support/until.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";

/** What stands in a file, line by line; empty when there is none. */
async function lines(path: string): Promise<string[]> {
  const text = await Deno.readTextFile(path).catch(() => "");
  return text.split("\n").slice(0, -1);
}

/** Files that belong to hooks. */
async function hookFiles(fixture: RunnerFixture): Promise<string[]> {
  const { stdout } = await new Deno.Command("find", { args: [`${fixture.dir}/spool`, "-path", "*/hooks/*"] }).output();
  return new TextDecoder().decode(stdout).split("\n").slice(0, -1);
}

Deno.test("--on-end runs its command for each end once, whatever the job is called", async () => {
  await using fixture = await RunnerFixture.create();
  const said = `${fixture.dir}/said`;
  const facts = ["JOB_ID", "STATE", "EXIT_CODE", "SIGNAL", "ATTEMPT", "NAME", "NAMESPACE", "EXECUTOR", "ERROR", "TITLE"]
    .concat(["CALLER_ID", "CONTEXT_ID"]).map((name) => `"$RUNNER_${name}"`).join(" ");
  const command = `printf '<%s>' ${facts} >>${said}; echo >>${said}; test "$RUNNER_SECONDS" != "" && test -t 0`;
  const args = ["-s", "hooked", "--tmux-socket", fixture.socket, "--on-end", command];
  const runner = await fixture.runner({ args });
  const submit = (...args: string[]) => fixture.submit("-s", "hooked", ...args);
  const odd = `it's "odd"; $(touch ${fixture.dir}/no) \`x\` #{pane_id} %H ~`;
  await submit("--id", odd, "--title", "ünï 🦊", "--caller-id", "me", "--context-id", "c'c", "exit 3");
  await until("its hook has run", async () => (await lines(said)).length === 1);
  assertEquals(await lines(said), [
    `<${odd}><error><3><><1><${fixture.name}><hooked:><tmux.main><exited with code 3><ünï 🦊><me><c'c>`,
  ]);
  // one with line feeds comes from foreign programs only
  const broken = "two\nlines'\n";
  await fixture.redis.call("HSET", `hooked:job_${broken}`, "payload", "kill -9 $$");
  await fixture.redis.call("LPUSH", `hooked:runner:${fixture.name}`, broken);
  await until("its hook has run", async () => (await lines(said)).length === 4);
  assertStringIncludes((await lines(said)).slice(1).join("\n"), `<${broken}><error><137><KILL><1>`);
  await submit("--retries", "1", "--backoff", "1..1", "--id", "again", 'test "$RUNNER_ATTEMPT" = 2');
  await until("its hook has run", async () => (await lines(said)).length === 5);
  assertStringIncludes((await lines(said))[4], "<again><finished><0><><2>");
  // its standard input is no terminal: `test -t 0` fails, which is said
  await runner.says("hook failed job=again attempt=2 code=1");
  assertEquals(
    [await hookFiles(fixture), (await Array.fromAsync(Deno.readDir(fixture.dir))).some((e) => e.name === "no")],
    [
      [],
      false,
    ],
  );
});

Deno.test("slow, loud and failing hooks delay no job, and show nothing of a job in the process list", async () => {
  await using fixture = await RunnerFixture.create();
  const barrier = new Barrier(fixture.dir);
  const command =
    `echo x >>${fixture.dir}/begun; head -c 1000000 /dev/zero; ${barrier.wait}; echo x >>${fixture.dir}/over; exit 9`;
  const runner = await fixture.runner({ args: ["--on-end", command] });
  const ids = [];
  for (let i = 0; i < 30; i++) ids.push(await fixture.push({ payload: "true", caller_id: "caller-in-a-hook" }));
  for (const id of ids) assertEquals((await fixture.ended(id)).status, "finished");
  await until("four run", async () => (await lines(`${fixture.dir}/begun`)).length === 4);
  const { stdout } = await new Deno.Command("ps", { args: ["-eo", "args"] }).output();
  assert(!new TextDecoder().decode(stdout).includes("caller-in-a-hook"));
  assertEquals((await lines(`${fixture.dir}/over`)).length, 0);
  await barrier.open();
  await until("all have run", async () => (await lines(`${fixture.dir}/over`)).length === 30);
  await until("all are told", () => runner.log.split("hook failed").length === 31);
  assertEquals([(await lines(`${fixture.dir}/begun`)).length, await hookFiles(fixture)], [30, []]);
});

Deno.test("an end that the next runner reports has its hook, one that was reported before has none again", async () => {
  await using fixture = await RunnerFixture.create();
  const barrier = new Barrier(fixture.dir);
  const said = `${fixture.dir}/said`;
  await Deno.mkdir(`${fixture.dir}/config/runner`, { recursive: true });
  await Deno.writeTextFile(
    `${fixture.dir}/config/runner/config.json`,
    JSON.stringify({ on_end: `echo "$RUNNER_JOB_ID" >>${said}` }),
  );
  const first = await fixture.runner();
  const early = await fixture.push({ payload: "true" });
  const late = await fixture.push({ payload: barrier.wait });
  await fixture.reaches(late, "started");
  await until("the first hook has run", async () => (await lines(said)).length === 1);
  await first.kill9();
  await barrier.open();
  await fixture.runner();
  await fixture.ended(late);
  await until("the second hook has run", async () => (await lines(said)).length === 2);
  await fixture.ended(await fixture.push({ payload: "true" }));
  await until("the third hook has run", async () => (await lines(said)).length === 3);
  assertEquals((await lines(said)).slice(0, 2), [early, late]);
});

Deno.test("a burst ends when every hook has begun; a hook goes on after the runner", async () => {
  await using fixture = await RunnerFixture.create();
  const barrier = new Barrier(fixture.dir);
  const ids = [];
  for (let i = 0; i < 6; i++) ids.push(await fixture.push({ payload: "true" }));
  const command = `echo x >>${fixture.dir}/begun; ${barrier.wait}; echo x >>${fixture.dir}/over`;
  const runner = await fixture.runner({ args: ["--burst", "--on-end", command] });
  await until("four run", async () => (await lines(`${fixture.dir}/begun`)).length === 4);
  for (const id of ids) await fixture.ended(id);
  await until("all are settled", () => runner.log.split("INFO  finished").length === 7);
  assertEquals(runner.code, null);
  const stopped = runner.stop();
  await runner.says("left hooks that had not begun count=2");
  assertEquals(await stopped, 0);
  await barrier.open();
  await until("four are over", async () => (await lines(`${fixture.dir}/over`)).length === 4);
  assertEquals((await lines(`${fixture.dir}/begun`)).length, 4);
});

Deno.test("--hook runs after its events, with the facts as JSON on standard input", async () => {
  await using fixture = await RunnerFixture.create();
  const said = `${fixture.dir}/said`;
  const args = ["--on", "start,input_required,lost", "--hook", `cat >>${said}`, "--on-end", `cat >>${said}`];
  await fixture.runner({ args });
  const id = await fixture.submit("--label", "team=it's", "read -r -p 'sure? ' line; exit 3");
  const events = async () => (await lines(said)).map((line) => JSON.parse(line));
  await until("it waits for input", async () => (await events()).length === 2, 40_000);
  assertEquals((await fixture.run(["send", "--enter", id, "y"])).code, 0);
  await until("it has ended", async () => (await events()).length === 3);
  const [start, asks, end] = await events();
  assertEquals([start.event, start.id, start.runner, start.labels], ["start", id, fixture.name, { team: "it's" }]);
  assertEquals([asks.event, asks.line], ["input_required", "sure?"]);
  assertEquals([end.event, end.state, end.exit_code, end.error], ["end", "error", 3, "exited with code 3"]);
  const wrong = await fixture.run(["run", "--on", "ending", "--hook", "true"]);
  assertEquals(wrong.code, 2);
  assertStringIncludes(wrong.stderr, "events are start, end, input_required, lost");
  const alone = await fixture.run(["run", "--on", "end"]);
  assertEquals(alone.code, 2);
  assertStringIncludes(alone.stderr, "Cannot use --on without --hook");
});
