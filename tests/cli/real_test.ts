/** Commands about jobs that really run, and a picture on a real terminal. */
import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { Gate } from "../support/gate.ts";
import { Person } from "../support/person.ts";
import { until } from "../support/until.ts";
import { World } from "../support/world.ts";

/** Waits until somebody follows a job; a runner listens to other channels. */
async function listens(world: World, id: string): Promise<void> {
  await until("it listens", async () => (await world.redis.call("PUBSUB", "CHANNELS", `rr:ev:${id}`) as string[])[0]);
}

Deno.test("logs shows the output of a real job: live, to the byte, and afterwards", async () => {
  await using world = await World.create();
  await world.runner();
  const gate = new Gate(world.dir);
  const id = await world.submit(`printf 'one\\n\\033[31mtwo\\033[0m\\n'; ${gate.wait}; printf 'three'; exit 3`);
  await until("the first lines are there", async () => (await world.run(["logs", id])).stdout === "one\ntwo\n");
  const following = world.run(["logs", "-f", id]);
  await listens(world, id);
  await gate.open();
  assertEquals(await following, { code: 0, stdout: "one\ntwo\nthree", stderr: `job ${id}: exited with code 3\n` });
  assertEquals((await world.run(["logs", "-n", "2", id])).stdout, "two\nthree");
  const raw = await world.run(["logs", "--raw", id]);
  assertEquals([raw.code, raw.stdout, raw.stderr], [0, "one\n\x1b[31mtwo\x1b[0m\nthree", ""]);
});

Deno.test("a chatty job costs Redis four looks a second, of at most 64 KiB each", async () => {
  await using world = await World.create();
  await world.runner();
  await world.redis.call("CONFIG", "RESETSTAT");
  const id = await world.submit("seq 1000000; for i in $(seq 300); do echo $i; sleep 0.01; done");
  await world.ended(id);
  const { ms, output_bytes: written } = await world.redis.hash(`rr:x:${id}`);
  const stats = String(await world.redis.call("INFO", "commandstats"));
  const pieces = Number(/cmdstat_xadd:calls=(\d+)/.exec(stats)?.[1]);
  // events come on top: submit, start, finish
  const looks = Number(ms) / 250 + 1;
  assert(pieces > 3 && pieces <= 3 + 4 * looks, `${pieces} pieces in ${ms} ms`);
  const taken = Number(/total_net_input_bytes:(\d+)/.exec(String(await world.redis.call("INFO", "stats")))![1]);
  assert(Number(written) > 6_000_000 && taken < 64 * 1024 * looks + 500_000, `${taken} of ${written} bytes`);
});

Deno.test("logs -f goes on after Redis was away, and shows each byte once", async () => {
  await using world = await World.create({ persistence: "aof-always" });
  await world.runner();
  const gate = new Gate(world.dir);
  const id = await world.submit(`echo one; ${gate.wait}; for i in 1 2 3 4 5; do echo "line $i"; sleep 0.2; done`);
  await until("the first line is there", async () => (await world.run(["logs", id])).stdout === "one\n");
  const following = world.run(["logs", "-f", id]);
  await listens(world, id);
  await world.redis.kill9();
  await gate.open();
  await world.redis.restart();
  const { code, stdout } = await following;
  assertEquals([code, stdout], [0, "one\nline 1\nline 2\nline 3\nline 4\nline 5\n"]);
});

Deno.test("retry runs a failed job again, as its next attempt", async () => {
  await using world = await World.create();
  await world.runner();
  const id = await world.submit(`echo "attempt $RUNNER_ATTEMPT"; [ "$RUNNER_ATTEMPT" = 2 ]`);
  assertEquals((await world.ended(id)).error, "exited with code 1");
  const retried = await world.run(["retry", id]);
  assertEquals(retried, { code: 0, stdout: "", stderr: `job ${id}: queued for a new attempt\n` });
  assertEquals((await world.run(["wait", id])).code, 0);
  assertEquals((await world.run(["logs", id])).stdout, "attempt 2\n");
  const job = await world.job(id);
  assertEquals([job.status, job.error, job.result], ["finished", "", "attempt 2\n"]);
  const purged = await world.run(["purge", "--yes"]);
  assertEquals(/^deleted 1 ended job of runner \w+\n$/.test(purged.stderr), true, purged.stderr);
  assertEquals((await world.run(["status", id])).code, 4);
});

Deno.test("a paused queue takes no jobs until it is resumed, and status says why a job waits", async () => {
  await using world = await World.create();
  await world.runner({ args: ["--beat", "100ms"] });
  assertEquals((await world.run(["pause"])).code, 0);
  await new Promise((resolve) => setTimeout(resolve, 500));
  // a runner that waits for a job in this moment may still take one
  await world.submit("true");
  const id = await world.submit("true");
  const { now } = JSON.parse((await world.run(["status", "--json", id])).stdout);
  assertEquals(now, "its queue is paused; it is the next one");
  assertEquals((await world.run(["wait", "--timeout", "300ms", id])).code, 75);
  assertEquals((await world.run(["resume"])).code, 0);
  assertEquals((await world.run(["wait", id])).code, 0);
});

Deno.test("status says for which terminal a job waits, and which job runs there", async () => {
  await using world = await World.create();
  await world.runner();
  const gate = new Gate(world.dir);
  const first = await world.submit("-e", "tmux.main.build", gate.wait);
  await world.reaches(first, "started");
  const second = await world.submit("-e", "tmux.main.build", "true");
  const now = async () => String(JSON.parse((await world.run(["status", "--json", second])).stdout).now);
  await until("it was taken", async () => (await now()).startsWith("waits on"));
  assertMatch(await now(), new RegExp(`^waits on .* for tmux\\.main\\.build, busy with job "${first}"$`));
  await gate.open();
  assertEquals((await world.run(["wait", second])).code, 0);
});

Deno.test("status -w on a real terminal shows changes by itself, and gives the screen back", async () => {
  await using world = await World.create();
  await world.runner();
  await using person = await Person.at(world);
  await person.types(`echo before; runner status -w; echo "ended with $?"`);
  await person.sees("the overview", (screen) => screen.includes("no job\n"));
  const id = await world.submit("exit 3");
  await person.sees("the job", (screen) => screen.includes(id.slice(0, 8)));
  await person.sees("its end", (screen) => /failed +3 /.test(screen));
  await person.resizes(50, 12);
  await person.sees("what fits a narrow terminal", (screen) => {
    const lines = screen.split("\n");
    return lines.some((line) => line.startsWith("JOB")) && lines.some((line) => line.length > 30 && line.includes("…"));
  });
  await person.resizes(160, 30);
  await person.sees("all of a wide terminal", (screen) => /EXECUTOR\n.*tmux\.main/.test(screen));
  await person.presses("C-c");
  await person.sees("the screen as it was", (screen) => screen.includes("ended with 130"));
  const text = await person.screen();
  assert(text.includes("before") && !text.includes("RUNNER  "), text);
});

Deno.test("a terminal shows who waits for an answer, local time and the last line of what failed", async () => {
  await using world = await World.create();
  await world.runner();
  await using person = await Person.at(world);
  await person.resizes(80, 24);
  const asks = await world.submit("--title", "a rather long title of a job that asks", "read -p 'Overwrite? [y/N] ' x");
  const fails = await world.submit("echo one; echo 'no rule to make target'; exit 2");
  await world.ended(fails);
  await until("it asks", async () => (await world.run(["status", "--state", "waiting"])).stdout.includes(asks));
  await person.types("clear; TZ=Asia/Kolkata runner status");
  await person.sees("both", (screen) => /^[0-9a-f]{8}… +failed +2 .* ▸ no rule to make target$/m.test(screen));
  const screen = await person.screen();
  assertMatch(screen, /^[0-9a-f]{8}… +waiting .* ▸ Overwrite\? \[y\/N\]$/m);
  await person.types(`clear; TZ=Asia/Kolkata runner status ${fails.slice(0, 8)}…`);
  await person.sees("local time", (screen) => /^created +20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\+05:30 /m.test(screen));
  await person.types(`clear; runner wait ${fails}; echo "waited with $?"`);
  const last = /exited with code 2; its last line: no\s+rule to make target/;
  await person.sees("the last line", (screen) => last.test(screen));
  await person.types("clear; TZ=America/New_York runner cancel @~1");
  await person.sees("what it is", (screen) => screen.includes(`@~1 is job ${asks}, `));
});

Deno.test("long work shows a bar on a real terminal, and nothing of it elsewhere", async () => {
  await using world = await World.create();
  await world.runner();
  await using person = await Person.at(world);
  const jobs = 8_000;
  await Deno.writeTextFile(`${world.dir}/jobs`, `{"payload":"true","runner":"nobody"}\n`.repeat(jobs));
  await person.types(`runner submit --from ${world.dir}/jobs >${world.dir}/ids; echo "ended with $?"`);
  const bar = new RegExp(`^\\[#*-*\\] \\d+ of ${jobs} jobs queued, \\d+ a second, \\S+ left`, "m");
  await person.sees("the bar", (screen) => bar.test(screen));
  await person.sees("its end", (screen) => screen.includes("ended with 0"));
  const text = await person.screen();
  assert(!text.includes(" of ") && text.includes('runner: no runner "nobody" is alive yet'), text);
  assertEquals((await Deno.readTextFile(`${world.dir}/ids`)).split("\n").length, jobs + 1);

  const gate = new Gate(world.dir);
  const ids = [await world.submit(gate.wait), await world.submit(`${gate.wait}; exit 3`)].join(" ");
  await person.types(`runner wait ${ids}; echo "waited with $?"`);
  await person.sees("the bar", (screen) => screen.includes("] 0 of 2 jobs have ended"));
  const piped = world.run(["wait", ...ids.split(" ")]);
  await gate.open();
  await person.sees("the end", (screen) => screen.includes("waited with 3"));
  assert(!(await person.screen()).includes("jobs have ended"));
  assertEquals(await piped, { code: 3, stdout: "", stderr: `job ${ids.split(" ")[1]}: exited with code 3\n` });
});

Deno.test("events --follow shows a job's way while it goes", async () => {
  await using world = await World.create();
  await world.runner();
  const first = await world.submit("true");
  await world.ended(first);
  const { stdout } = await world.run(["events", "--json"]);
  const events = stdout.trimEnd().split("\n").map((line) => JSON.parse(line)).filter(({ id }) => id === first);
  assertEquals(events.map(({ event, state }) => `${event} ${state}`), [
    "submit dispatched",
    "start started",
    "finish finished",
  ]);
});
