/** What people read at a terminal: what they need is on it, and what they read there is taken back. */
import { formatLocalTime, readTime } from "../../src/client/read_time.ts";
import { ShortIds } from "../../src/cli/input/short_ids.ts";
import { lastLine } from "../../src/cli/view/last_line.ts";
import { TRUNCATED_LINE } from "../../src/domain/output.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "../support/assert.ts";
import { anInstance } from "./fake_store.ts";
import { CommandFixture, type CommandOptions } from "./command_fixture.ts";

const NOW = Date.UTC(2026, 0, 31, 12, 0, 0);
const iso = (minutes: number) => new Date(NOW - minutes * 60_000).toISOString();
const terminal = { columns: 80, env: { NO_COLOR: "1" } };
const UUIDS = ["3f2a77b1", "3f2a77b2", "9c000000"].map((begin) => `${begin}-5d0e-4f0a-8a51-000000000000`);

/** Jobs of one runner: the oldest asks, the newest failed; twelve others have finished between them. */
function fixtureWith(options: CommandOptions = terminal): CommandFixture {
  const fixture = new CommandFixture(options);
  const { redis } = fixture;
  redis.instanceList = [anInstance()];
  redis.queueList = [
    { runner: "test_runner", queued: 0, delayed: 0, parked: 0, paused: false },
    { runner: "old", queued: 0, delayed: 0, parked: 0, paused: false },
    { runner: "held", queued: 0, delayed: 0, parked: 0, paused: true },
  ];
  const common = { runner: "test_runner", executor: "tmux.main" };
  redis.put(UUIDS[0], { ...common, status: "started", payload: "deploy ".repeat(20), created_at: iso(600) }, {
    instance: "inst-1",
    token: "1.n",
    input_ms: String(NOW - 60_000),
    input_line: "Deploy to production now? [y/N]",
  });
  for (let i = 0; i < 12; i++) {
    redis.put(`done-${i}`, { ...common, status: "finished", payload: "true", created_at: iso(60 - i) });
  }
  redis.put(UUIDS[2], {
    ...{ ...common, status: "error", error: "exited with code 2", payload: "make all", created_at: iso(1) },
    result: "cc main.c\n\x1b[31mmake: *** [all] Error 2\x1b[0m\n\n",
  }, { exit: "2" });
  return fixture;
}

/** Output of a command that says nothing else. */
async function shown(fixture: CommandFixture, ...args: string[]): Promise<string> {
  fixture.stdout = fixture.stderr = "";
  assertEquals(await fixture.run(...args), 0, fixture.stderr);
  return fixture.stdout;
}

Deno.test("status at 80 columns shows who waits for an answer, and what is asked, however old the job is", async () => {
  const text = await shown(fixtureWith(), "status");
  const lines = text.split("\n");
  for (const line of lines) assert(line.length <= 80, line);
  const first = lines[lines.findIndex((line) => line.startsWith("JOB")) + 1];
  assertMatch(first, /^3f2a77b1… +waiting .* ▸ Deploy to production now\? \[y\/N\]$/);
  assertStringIncludes(await shown(fixtureWith({ ...terminal, columns: 60 }), "status"), "▸ Deploy to");
});

Deno.test("status on a terminal puts what is the same of all jobs behind the text, where there is room", async () => {
  const head = async (columns: number, arrange = (_: CommandFixture) => {}) => {
    const fixture = fixtureWith({ ...terminal, columns });
    arrange(fixture);
    return (await shown(fixture, "status")).split("\n").find((line) => line.startsWith("JOB"))!.split(/ {2,}/);
  };
  assertEquals(await head(80), ["JOB", "STATUS", "EXIT", "CREATED", "JOB TEXT"]);
  assertEquals(await head(120), ["JOB", "STATUS", "EXIT", "CREATED", "JOB TEXT", "RUNNER", "EXECUTOR"]);
  const other = (fixture: CommandFixture) =>
    fixture.redis.put("x", { status: "finished", runner: "other", created_at: iso(0) });
  assertEquals(await head(120, other), ["JOB", "STATUS", "EXIT", "RUNNER", "CREATED", "JOB TEXT", "EXECUTOR"]);
  const pool = (fixture: CommandFixture) => {
    fixture.redis.instanceList = [anInstance(), anInstance({ instance: "i2", host: "beta" })];
    fixture.redis.put("x", { status: "started", runner: "test_runner", created_at: iso(0) }, { instance: "i2" });
  };
  assertEquals((await head(120, pool)).slice(0, 5), ["JOB", "STATUS", "EXIT", "HOST", "CREATED"]);
});

Deno.test("status shows no queue that is empty, except in JSON", async () => {
  const text = await shown(fixtureWith(), "status");
  assertEquals([text.includes("\nheld"), text.includes("\nold")], [true, false]);
  assertEquals(JSON.parse(await shown(fixtureWith(), "status", "--json")).queues.length, 3);
});

Deno.test("ids on a terminal are the shortest begin that no other job has, and are taken back", async () => {
  const ids = new ShortIds([...UUIDS, "nightly-2026-01-30-a", "nightly-2026-01-31-b", "short", "@odd-and-long-enough"]);
  assertEquals(ids.of(UUIDS[0]), "3f2a77b1…");
  assertEquals(ids.of("nightly-2026-01-30-a"), "nightly-2026-01-30-a");
  assertEquals(ids.of("nightly-2026-02-01-c"), "nightly-2026-02…");
  assertEquals(ids.of("nightly-2026-01-31-b-and-more"), "nightly-2026-01-31-b-…");
  assertEquals([ids.of("short"), ids.of("@odd-and-long-enough")], ["short", "@odd-and-long-enough"]);
  assertEquals(new ShortIds(["abcdefghijklmn", "abcdefgh"]).of("abcdefghijklmn"), "abcdefghi…");

  const fixture = fixtureWith();
  fixture.redis.put(UUIDS[1], { status: "finished", created_at: iso(0) });
  const text = await shown(fixture, "status");
  for (const short of ["3f2a77b1…", "3f2a77b2…", "9c000000…"]) {
    assertStringIncludes(text, `\n${short} `);
    const whole = UUIDS.find((id) => id.startsWith(short.slice(0, 8)))!;
    for (const typed of [short, short.replace("…", "..."), short.replace("…", "")]) {
      assertEquals(JSON.parse(await shown(fixture, "status", "--json", typed)).id, whole);
    }
  }
  assertEquals(await fixture.run("status", "3f2a…"), 2);
  assertEquals(await fixture.run("status", "…"), 2);
  assertStringIncludes(await shown(fixtureWith({}), "status"), UUIDS[0]);
});

Deno.test("conditions say how many jobs they leave out, and accept the words that are on the screen", async () => {
  const cases: [args: string[], says: string][] = [
    [["--state", "finished"], "12 of 14 jobs fit; 2 of them are not shown, -n 12 shows them"],
    [["--state", "failed"], "1 of 14 jobs fit"],
    [["--state", "error"], "1 of 14 jobs fit"],
    [["--state", "waiting"], "1 of 14 jobs fit"],
    [["--state", "running", "--state", "failed"], "2 of 14 jobs fit"],
    [["--state", "queued"], "0 of 14 jobs fit"],
    [["--caller", "me", "--among", "5"], "0 of the newest 6 jobs fit; --among N scans more"],
  ];
  for (const [args, says] of cases) {
    const fixture = fixtureWith();
    await shown(fixture, "status", ...args);
    assertEquals(fixture.stderr, `runner: ${says}\n`, args.join(" "));
  }
  const json = JSON.parse(await shown(fixtureWith(), "status", "--json", "--state", "finished"));
  assertEquals([json.jobs_fit, json.jobs_scanned, json.jobs.length], [12, 14, 10]);
  const fixture = fixtureWith();
  await shown(fixture, "status", "--state", "failed");
  for (const word of fixture.stdout.split("\n")[1].match(/failed|error/g)!) assertEquals(word, "failed");
  await shown(fixture, "purge", "--state", "failed", "--dry-run", "--yes");
  assertEquals(fixture.stderr, "would delete 1 failed job\n");
});

Deno.test("@ is the newest job of the queue that was named, else of the namespace", async () => {
  const cases: [args: string[], env: Record<string, string>, id: string][] = [
    [["@"], {}, "b"],
    [["@~1"], {}, "other"],
    [["@", "--name", "build"], {}, "b"],
    [["@~1", "--name", "build"], {}, "a"],
    [["@", "--name", "test_runner"], {}, "other"],
    [["@"], { RUNNER_NAME: "test_runner" }, "other"],
  ];
  for (const [args, env, id] of cases) {
    const fixture = new CommandFixture({ env });
    fixture.redis.put("a", { status: "finished", runner: "build" });
    fixture.redis.put("other", { status: "finished", runner: "test_runner" });
    fixture.redis.put("b", { status: "finished", runner: "build" });
    assertEquals(JSON.parse(await shown(fixture, "status", "--json", ...args)).id, id, args.join(" "));
    assertEquals(await fixture.run("status", "@", "--name", "nobody"), 4);
    assertStringIncludes(fixture.stderr, 'the queue "nobody" has not that many');
  }
});

Deno.test("commands that change a job say first which one they found", async () => {
  for (const [args, done] of [[["cancel"], "job"], [["retry"], "job"], [["send"], "job"]] as const) {
    const fixture = new CommandFixture();
    const status = args[0] === "retry" ? "error" : "started";
    fixture.redis.put(UUIDS[0], { status, runner: "build", payload: "make\nall" }, {
      token: "1.n",
      instance: "i",
      title: "T\x07",
    });
    const rest = args[0] === "send" ? ["x"] : [];
    const word = args[0] === "retry" ? "failed" : "running";
    for (const typed of ["@", "3f2a"]) {
      fixture.stderr = "";
      fixture.redis.change(UUIDS[0], { status });
      assertEquals(await fixture.run(args[0], typed, ...rest), 0);
      const [first, second] = fixture.stderr.split("\n");
      assertEquals(first, `runner: ${typed} is job ${UUIDS[0]}, ${word} in queue build: T\\x07`);
      assert(second.startsWith(`${done} ${UUIDS[0]}: `), second);
    }
    fixture.stderr = "";
    fixture.redis.change(UUIDS[0], { status });
    await fixture.run(args[0], UUIDS[0], ...rest);
    assertEquals(fixture.stderr.split("\n").length, 2, "a whole id needs no words");
  }
});

Deno.test("status and wait show the last line of what a failed job has written", async () => {
  assertMatch(
    await shown(fixtureWith(), "status"),
    /^9c000000… +failed +2 .* make all ▸ make: \*\*\* \[all\] Error 2$/m,
  );
  const json = JSON.parse(await shown(fixtureWith(), "status", "--json", "-n", "2"));
  assertEquals(json.jobs.map((job: Record<string, unknown>) => job.last_line), [null, "make: *** [all] Error 2"]);
  const fixture = fixtureWith();
  assertEquals(await fixture.run("wait", UUIDS[2]), 2);
  assertEquals(fixture.stderr, `job ${UUIDS[2]}: exited with code 2; its last line: make: *** [all] Error 2\n`);
  fixture.stdout = "";
  assertEquals(await fixture.run("wait", "--json", UUIDS[2]), 2);
  assertEquals(JSON.parse(fixture.stdout).last_line, "make: *** [all] Error 2");
  for (
    const [output, last] of [
      ["", ""],
      ["\n \n", ""],
      ["one\r\n10%\r20%\rgone\r\n\x1b[0m\r\n", "gone"],
      [`a\nb${TRUNCATED_LINE}`, "b"],
      ["x".repeat(10_000), `${"x".repeat(299)}…`],
      ["a\u202eb", "a\\u202eb"],
    ]
  ) assertEquals(lastLine(output), last);
});

Deno.test("times are local on a terminal and UTC elsewhere", async () => {
  for (const ms of [0, NOW, Date.UTC(2026, 6, 1, 23, 59, 59)]) {
    assertMatch(formatLocalTime(ms), /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d$/);
    assertEquals(readTime(formatLocalTime(ms), "utc"), ms);
  }
  const utc = "2026-01-31T11:59:00.000Z";
  const local = formatLocalTime(Date.parse(utc));
  const id = UUIDS[2];
  assertStringIncludes(await shown(fixtureWith(), "status", id), `created    ${local} (1m ago)`);
  assertStringIncludes(await shown(fixtureWith({}), "status", id), `created    ${utc} (1m ago)`);
  assertEquals(JSON.parse(await shown(fixtureWith(), "status", "--json", id)).created_at, utc);
  const delayed = fixtureWith();
  delayed.redis.put("later", { status: "dispatched" });
  delayed.redis.placement = { ahead: null, dueMs: NOW, claimedBy: null };
  assertStringIncludes(await shown(delayed, "status", "later"), `is delayed until ${formatLocalTime(NOW)}`);
  delayed.redis.happen({ id });
  assertStringIncludes(await shown(delayed, "events"), `${formatLocalTime(NOW)}  start     running   9c000000…`);
});

Deno.test("a time that another program wrote and no calendar has keeps nothing from being shown", async () => {
  const fixture = fixtureWith({});
  fixture.redis.put("odd", { status: "started" }, { started_ms: "1e300", input_ms: "1e17", ended_ms: "-1e99" });
  const [job] = JSON.parse(await shown(fixture, "status", "--json", "-n", "1")).jobs;
  assertEquals(job.started_at, null);
  await shown(fixture, "status", "odd");
});
