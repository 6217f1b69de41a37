/** Commands about jobs that really run, and a picture on a real terminal. */
import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { Barrier } from "../support/barrier.ts";
import { TerminalUser } from "../support/terminal_user.ts";
import { until } from "../support/until.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";

/** Waits until a client follows a job; a runner listens to other channels. */
async function listens(fixture: RunnerFixture, id: string): Promise<void> {
  await until("it listens", async () => (await fixture.redis.call("PUBSUB", "CHANNELS", `rr:ev:${id}`) as string[])[0]);
}

Deno.test("logs shows the output of a real job: live, to the byte, and afterwards", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner();
  const barrier = new Barrier(fixture.dir);
  const id = await fixture.submit(`printf 'one\\n\\033[31mtwo\\033[0m\\n'; ${barrier.wait}; printf 'three'; exit 3`);
  await until("the first lines are there", async () => (await fixture.run(["logs", id])).stdout === "one\ntwo\n");
  const following = fixture.run(["logs", "-f", id]);
  await listens(fixture, id);
  await barrier.open();
  assertEquals(await following, { code: 0, stdout: "one\ntwo\nthree", stderr: `job ${id}: exited with code 3\n` });
  assertEquals((await fixture.run(["logs", "-n", "2", id])).stdout, "two\nthree");
  const raw = await fixture.run(["logs", "--raw", id]);
  assertEquals([raw.code, raw.stdout, raw.stderr], [0, "one\n\x1b[31mtwo\x1b[0m\nthree", ""]);
});

Deno.test("a chatty job costs Redis four reads a second, of at most 64 KiB each", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner();
  await fixture.redis.call("CONFIG", "RESETSTAT");
  const id = await fixture.submit("seq 1000000; for i in $(seq 300); do echo $i; sleep 0.01; done");
  await fixture.ended(id);
  const { ms, output_bytes: written } = await fixture.redis.hash(`rr:meta:${id}`);
  const stats = String(await fixture.redis.call("INFO", "commandstats"));
  const pieces = Number(/cmdstat_xadd:calls=(\d+)/.exec(stats)?.[1]);
  // events come on top: submit, start, finish
  const reads = Number(ms) / 250 + 1;
  assert(pieces > 3 && pieces <= 3 + 4 * reads, `${pieces} pieces in ${ms} ms`);
  const taken = Number(/total_net_input_bytes:(\d+)/.exec(String(await fixture.redis.call("INFO", "stats")))![1]);
  assert(Number(written) > 6_000_000 && taken < 64 * 1024 * reads + 500_000, `${taken} of ${written} bytes`);
});

Deno.test("logs -f goes on after Redis was away, and shows each byte once", async () => {
  await using fixture = await RunnerFixture.create({ persistence: "aof-always" });
  await fixture.runner();
  const barrier = new Barrier(fixture.dir);
  const id = await fixture.submit(`echo one; ${barrier.wait}; for i in 1 2 3 4 5; do echo "line $i"; sleep 0.2; done`);
  await until("the first line is there", async () => (await fixture.run(["logs", id])).stdout === "one\n");
  const following = fixture.run(["logs", "-f", id]);
  await listens(fixture, id);
  await fixture.redis.kill9();
  await barrier.open();
  await fixture.redis.restart();
  const { code, stdout } = await following;
  assertEquals([code, stdout], [0, "one\nline 1\nline 2\nline 3\nline 4\nline 5\n"]);
});

Deno.test("retry runs a failed job again, as its next attempt", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner();
  const id = await fixture.submit(`echo "attempt $RUNNER_ATTEMPT"; [ "$RUNNER_ATTEMPT" = 2 ]`);
  assertEquals((await fixture.ended(id)).error, "exited with code 1");
  const retried = await fixture.run(["retry", id]);
  assertEquals(retried, { code: 0, stdout: "", stderr: `job ${id}: queued for a new attempt\n` });
  assertEquals((await fixture.run(["wait", id])).code, 0);
  assertEquals((await fixture.run(["logs", id])).stdout, "attempt 2\n");
  const job = await fixture.job(id);
  assertEquals([job.status, job.error, job.result], ["finished", "", "attempt 2\n"]);
  const purged = await fixture.run(["purge", "--yes"]);
  assertEquals(/^deleted 1 ended job of runner \w+\n$/.test(purged.stderr), true, purged.stderr);
  assertEquals((await fixture.run(["status", id])).code, 4);
});

Deno.test("a paused queue starts no jobs until it is resumed, and status says why a job waits", async () => {
  await using fixture = await RunnerFixture.create();
  const runner = await fixture.runner({ args: ["--heartbeat", "100ms"] });
  assertEquals((await fixture.run(["pause"])).code, 0);
  await runner.says("paused");
  // a runner that waits for a job in this moment may still claim one
  await fixture.submit("true");
  const id = await fixture.submit("true");
  const { now } = JSON.parse((await fixture.run(["status", "--json", id])).stdout);
  assertEquals(now, "its queue is paused; it is the next one");
  assertEquals((await fixture.run(["wait", "--timeout", "300ms", id])).code, 75);
  assertEquals((await fixture.run(["resume"])).code, 0);
  assertEquals((await fixture.run(["wait", id])).code, 0);
});

Deno.test("status says for which terminal a job waits, and which job runs there", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner();
  const barrier = new Barrier(fixture.dir);
  const first = await fixture.submit("-e", "tmux.main.build", barrier.wait);
  await fixture.reaches(first, "started");
  const second = await fixture.submit("-e", "tmux.main.build", "true");
  const now = async () => String(JSON.parse((await fixture.run(["status", "--json", second])).stdout).now);
  await until("it was taken", async () => (await now()).startsWith("waits on"));
  assertMatch(await now(), new RegExp(`^waits on .* for tmux\\.main\\.build, busy with job "${first}"$`));
  await barrier.open();
  assertEquals((await fixture.run(["wait", second])).code, 0);
});

Deno.test("status -w on a real terminal shows changes by itself, and gives the screen back", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner();
  await using user = await TerminalUser.at(fixture);
  await user.types(`echo before; runner status -w; echo "ended with $?"`);
  await user.sees("the overview", (screen) => screen.includes("no job\n"));
  const id = await fixture.submit("exit 3");
  await user.sees("the job", (screen) => screen.includes(id.slice(0, 8)));
  await user.sees("its end", (screen) => /failed +3 /.test(screen));
  await user.resizes(50, 12);
  await user.sees("what fits a narrow terminal", (screen) => {
    const lines = screen.split("\n");
    return lines.some((line) => line.startsWith("JOB")) && lines.some((line) => line.length > 30 && line.includes("…"));
  });
  await user.resizes(160, 30);
  await user.sees("all of a wide terminal", (screen) => /EXECUTOR\n.*tmux\.main/.test(screen));
  await user.presses("C-c");
  await user.sees("the screen as it was", (screen) => screen.includes("ended with 130"));
  const text = await user.screen();
  assert(text.includes("before") && !text.includes("RUNNER  "), text);
});

Deno.test("a terminal shows who waits for an answer, local time and the last line of what failed", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner();
  await using user = await TerminalUser.at(fixture);
  await user.resizes(80, 24);
  const asks = await fixture.submit(
    "--title",
    "a rather long title of a job that asks",
    "read -p 'Overwrite? [y/N] ' x",
  );
  const fails = await fixture.submit("echo one; echo 'no rule to make target'; exit 2");
  await fixture.ended(fails);
  await until("it asks", async () => (await fixture.run(["status", "--state", "waiting"])).stdout.includes(asks));
  await user.types("clear; TZ=Asia/Kolkata runner status");
  await user.sees("both", (screen) => /^[0-9a-f]{8}… +failed +2 .* ▸ no rule to make target$/m.test(screen));
  const screen = await user.screen();
  assertMatch(screen, /^[0-9a-f]{8}… +waiting .* ▸ Overwrite\? \[y\/N\]$/m);
  await user.types(`clear; TZ=Asia/Kolkata runner status ${fails.slice(0, 8)}…`);
  await user.sees("local time", (screen) => /^created +20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\+05:30 /m.test(screen));
  await user.types(`clear; runner wait ${fails}; echo "waited with $?"`);
  const last = /exited with code 2; its last line: no\s+rule to make target/;
  await user.sees("the last line", (screen) => last.test(screen));
  await user.types("clear; TZ=America/New_York runner cancel @~1");
  await user.sees("what it is", (screen) => screen.includes(`@~1 is job ${asks}, `));
});

Deno.test("long work shows a bar on a real terminal, and nothing of it elsewhere", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner();
  await using user = await TerminalUser.at(fixture);
  const jobs = 8_000;
  await Deno.writeTextFile(`${fixture.dir}/jobs`, `{"payload":"true","runner":"nobody"}\n`.repeat(jobs));
  await user.types(`runner submit --from ${fixture.dir}/jobs >${fixture.dir}/ids; echo "ended with $?"`);
  const bar = new RegExp(`^\\[#*-*\\] \\d+ of ${jobs} jobs queued, \\d+ a second, \\S+ left`, "m");
  await user.sees("the bar", (screen) => bar.test(screen));
  await user.sees("its end", (screen) => screen.includes("ended with 0"));
  const text = await user.screen();
  assert(!text.includes(" of ") && text.includes('runner: no runner "nobody" is alive yet'), text);
  assertEquals((await Deno.readTextFile(`${fixture.dir}/ids`)).split("\n").length, jobs + 1);

  const barrier = new Barrier(fixture.dir);
  const ids = [await fixture.submit(barrier.wait), await fixture.submit(`${barrier.wait}; exit 3`)].join(" ");
  await user.types(`runner wait ${ids}; echo "waited with $?"`);
  await user.sees("the bar", (screen) => screen.includes("] 0 of 2 jobs have ended"));
  const piped = fixture.run(["wait", ...ids.split(" ")]);
  await barrier.open();
  await user.sees("the end", (screen) => screen.includes("waited with 3"));
  assert(!(await user.screen()).includes("jobs have ended"));
  assertEquals(await piped, { code: 3, stdout: "", stderr: `job ${ids.split(" ")[1]}: exited with code 3\n` });
});

Deno.test("events --follow shows a job's way while it goes", async () => {
  await using fixture = await RunnerFixture.create();
  await fixture.runner();
  const first = await fixture.submit("true");
  await fixture.ended(first);
  const { stdout } = await fixture.run(["events", "--json"]);
  const events = stdout.trimEnd().split("\n").map((line) => JSON.parse(line)).filter(({ id }) => id === first);
  assertEquals(events.map(({ event, state }) => `${event} ${state}`), [
    "submit dispatched",
    "start started",
    "finish finished",
  ]);
});
