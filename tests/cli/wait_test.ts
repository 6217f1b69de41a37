import { assertEquals } from "../support/assert.ts";
import { until } from "../support/until.ts";
import { anInstance } from "./fake_store.ts";
import { CommandFixture, type CommandOptions } from "./command_fixture.ts";
import { unavailable } from "../support/unavailable.ts";

function fixtureWith(jobs: Record<string, Record<string, string>>, options: CommandOptions = {}): CommandFixture {
  const fixture = new CommandFixture(options);
  for (const [id, fields] of Object.entries(jobs)) fixture.redis.put(id, fields);
  return fixture;
}

/** Starts a command and waits until it watches the job. */
async function watching(fixture: CommandFixture, id: string, ...args: string[]): Promise<{ code: Promise<number> }> {
  const code = fixture.run(...args);
  await until(`somebody waits for ${id}`, () => fixture.redis.isWatched(id));
  return { code };
}

Deno.test("wait exits with the exit code of the job, when the job ends", async () => {
  const fixture = fixtureWith({ j: { status: "started" } });
  const { code } = await watching(fixture, "j", "wait", "j");
  fixture.redis.change("j", { status: "error", error: "exited with code 3" }, { exit: "3" });
  assertEquals([await code, fixture.stdout, fixture.stderr], [3, "", "job j: exited with code 3\n"]);
  assertEquals(fixture.signal("SIGINT"), false);
});

Deno.test("wait recognizes every end of a job, also of one that a foreign runner ran", async () => {
  const cases: [Record<string, string>, Record<string, string>, number][] = [
    [{ status: "finished" }, { exit: "0" }, 0],
    [{ status: "finished" }, {}, 0],
    [{ status: "error", error: "boom" }, {}, 1],
    [{ status: "error", error: "" }, {}, 1],
    [{ status: "error", error: "exited with code 7" }, {}, 7],
    [{ status: "error", error: "killed by signal 9 (KILL)" }, {}, 137],
    [{ status: "error", error: "killed by signal 9 (KILL)" }, { exit: "137" }, 137],
    [{ status: "error", error: "timed out after 30 s" }, { exit: "124" }, 124],
    [{ status: "error", error: "lost: host gone" }, {}, 125],
    [{ status: "error", error: "cancelled: by me" }, {}, 130],
    // between two attempts, of which the first one failed
    [{ status: "error", error: "cancelled" }, { exit: "3" }, 130],
    [{ status: "error", error: "Cannot launch: no tmux" }, { exit: "1" }, 1],
    [{ status: "error", error: "odd" }, { exit: "nonsense" }, 1],
  ];
  for (const [fields, meta, code] of cases) {
    const fixture = new CommandFixture();
    fixture.redis.put("j", fields, meta);
    assertEquals(await fixture.run("wait", "j"), code, JSON.stringify([fields, meta]));
  }
});

Deno.test("wait accepts several jobs and gives the highest exit code", async () => {
  const fixture = fixtureWith({
    a: { status: "error", error: "exited with code 4" },
    b: { status: "started" },
    c: { status: "finished" },
  });
  const { code } = await watching(fixture, "b", "wait", "a", "b", "c", "a");
  fixture.redis.change("b", { status: "error", error: "exited with code 2" });
  assertEquals([await code, fixture.stderr], [4, "job a: exited with code 4\njob b: exited with code 2\n"]);
});

Deno.test("wait --timeout ends with 75, and says that the job goes on", async () => {
  const fixture = fixtureWith({ j: { status: "started" } });
  assertEquals(await fixture.run("wait", "--timeout", "20ms", "j"), 75);
  assertEquals(fixture.stderr, "runner: the limit of 20ms is reached; the job goes on\n");
  assertEquals(fixture.redis.isWatched("j"), false);
});

Deno.test("wait detaches at a signal and says how to cancel", async () => {
  for (const [signal, exit] of [["SIGINT", 130], ["SIGTERM", 143], ["SIGHUP", 129]] as const) {
    const fixture = fixtureWith({ j: { status: "started" }, k: { status: "started" } });
    const { code } = await watching(fixture, "j", "wait", "j", "k");
    fixture.signal(signal);
    assertEquals([await code, fixture.stdout], [exit, ""]);
    assertEquals(fixture.stderr, "\nrunner: detached; the jobs go on; to stop: runner cancel j k\n");
    assertEquals(fixture.redis.cancelled, []);
  }
});

Deno.test("wait outlives an outage of Redis and a loss of its data", async () => {
  const fixture = fixtureWith({ j: { status: "started" } });
  const { code } = await watching(fixture, "j", "wait", "j");
  for (let i = 0; i < 3; i++) {
    fixture.redis.readErrors.push(unavailable("gone"));
    fixture.redis.touch("j");
    await until("the error was met", () => fixture.redis.readErrors.length === 0);
  }
  fixture.redis.jobs.delete("j");
  fixture.redis.touch("j");
  await until("the loss was read", () => fixture.redis.isWatched("j"));
  fixture.redis.put("j", { status: "finished" });
  assertEquals([await code, fixture.stderr], [0, "runner: Redis cannot be reached; still waiting\n"]);
});

Deno.test("wait ends when the job has left Redis for good", async () => {
  const fixture = fixtureWith({ j: { status: "started" } });
  const { code } = await watching(fixture, "j", "wait", "j");
  fixture.redis.jobs.delete("j");
  let exit: number | undefined;
  code.then((code) => exit = code);
  await until("it has ended", () => (fixture.redis.touch("j"), exit !== undefined));
  assertEquals(exit, 4);
  assertEquals(
    fixture.stderr,
    'runner: Cannot wait for job "j": it has left Redis; runner status shows the newest jobs\n',
  );
});

Deno.test("wait ends when Redis refuses us", async () => {
  const fixture = fixtureWith({ j: { status: "started" } });
  const { code } = await watching(fixture, "j", "wait", "j");
  fixture.redis.readErrors.push(unavailable("Cannot run HMGET: no", { condition: "refused" }));
  fixture.redis.touch("j");
  assertEquals([await code, fixture.stderr], [69, "runner: Cannot run runner wait: no\n"]);
});

Deno.test("wait checks all ids before it waits", async () => {
  const fixture = fixtureWith({ j: { status: "started" } });
  assertEquals(await fixture.run("wait", "j", "missing"), 4);
  assertEquals(
    fixture.stderr,
    'runner: Cannot find job "missing": no job of this namespace has that id; runner status shows the newest jobs\n',
  );
  assertEquals(await fixture.run("wait"), 2);
});

Deno.test("wait --json writes each ended job", async () => {
  const fixture = fixtureWith({ j: { status: "finished", created_at: "2026-01-31T11:00:00.000Z", runner: "r" } });
  assertEquals(await fixture.run("wait", "--json", "j"), 0);
  const job = JSON.parse(fixture.stdout);
  assertEquals([job.id, job.status, job.exit_code, job.created_at], ["j", "finished", 0, "2026-01-31T11:00:00.000Z"]);
});

Deno.test("jobs are found by the newest, by the one before it, and by the begin of an id", async () => {
  const fixture = fixtureWith({
    "aaa-1": { status: "finished" },
    "aab-2": { status: "error", error: "exited with code 2" },
    "b": { status: "error", error: "exited with code 3" },
    "bc": { status: "error", error: "exited with code 4" },
  });
  const cases: [string, number][] = [["@", 4], ["@~1", 3], ["@~3", 0], ["aaa", 0], ["aab", 2], ["b", 3], ["bc", 4]];
  for (const [text, code] of cases) assertEquals(await fixture.run("wait", text), code, text);
  fixture.stderr = "";
  for (const [text, code] of [["aa", 2], ["@~4", 4], ["@x", 2], ["zz", 4], ["", 2]] as const) {
    assertEquals(await fixture.run("wait", text), code, text);
  }
  assertEquals(
    fixture.stderr,
    'runner: Cannot find job "aa": several ids begin so: "aaa-1", "aab-2"; write more of it; see runner wait --help\n' +
      'runner: Cannot find job "@~4": this namespace does not hold that many jobs; runner status shows the newest jobs\n' +
      'runner: Cannot find job "@x": write @ for the newest job, @~2 for the one two before it; see runner wait --help\n' +
      'runner: Cannot find job "zz": no job of this namespace has that id; runner status shows the newest jobs\n' +
      'runner: Cannot find job "": write an id, the first letters of one, @ or @~N; see runner wait --help\n',
  );
});

Deno.test("submit --wait prints the id and exits with the job's code", async () => {
  const fixture = new CommandFixture();
  fixture.redis.instanceList = [anInstance()];
  const { code } = await watching(fixture, "j", "submit", "--wait", "--id", "j", "exit 3");
  assertEquals(fixture.stdout, "j\n");
  fixture.redis.change("j", { status: "error", error: "exited with code 3" }, { exit: "3" });
  assertEquals([await code, fixture.stdout, fixture.stderr], [3, "j\n", "job j: exited with code 3\n"]);
});

Deno.test("cancel stops jobs in every state and says what happened", async () => {
  const fixture = fixtureWith({ q: { status: "dispatched" }, r: { status: "started" }, e: { status: "finished" } });
  assertEquals(await fixture.run("cancel", "q", "r", "e", "--reason", "wrong branch"), 0);
  assertEquals(fixture.stdout, "");
  assertEquals(
    fixture.stderr,
    "job q: cancelled before it started\n" +
      "job r: its runner stops it now, or as soon as it is back\n" +
      "job e: had ended already; nothing was changed\n",
  );
  assertEquals(fixture.redis.cancelled, [["q", "wrong branch"], ["r", "wrong branch"], ["e", "wrong branch"]]);
  await fixture.run("cancel", "--json", "r");
  assertEquals(fixture.stdout, '{"id":"r","result":"requested"}\n');
});

Deno.test("cancel changes nothing when one of the ids is wrong", async () => {
  const fixture = fixtureWith({ q: { status: "dispatched" } });
  assertEquals(await fixture.run("cancel", "q", "nope"), 4);
  assertEquals(fixture.redis.cancelled, []);
});
