import { assert, assertEquals } from "../support/assert.ts";
import { anInstance } from "./fake_store.ts";
import { CommandFixture, type CommandOptions } from "./command_fixture.ts";
import { assertGolden } from "./golden.ts";

const NOW = Date.UTC(2026, 0, 31, 12, 0, 0);
const iso = (minutes: number) => new Date(NOW - minutes * 60_000).toISOString();

/** Four jobs, oldest first: a failed 90, b finished 60, c runs 30, d waits since 1 minute. */
function fixtureWith(options: CommandOptions = {}): CommandFixture {
  const fixture = new CommandFixture(options);
  const { redis } = fixture;
  redis.instanceList = [anInstance(), anInstance({ runner: "build", instance: "i2", host: "beta" })];
  redis.queueList = ["build", "test_runner"].map((runner) => ({
    runner,
    queued: 0,
    delayed: 0,
    parked: 0,
    paused: false,
  }));
  const put = (id: string, minutes: number, fields: Record<string, string>, meta: Record<string, string> = {}) =>
    redis.put(id, { runner: "build", payload: `echo ${id}`, created_at: iso(minutes), ...fields }, meta);
  put("a", 90, { status: "error", error: "exited with code 3", caller_id: "me", context_id: "x" }, {
    exit: "3",
    ms: "9000",
    ended_ms: String(NOW - 60_000),
    started_ms: String(NOW - 120_000),
    "label:team": "core",
    "label:kind": "nightly",
  });
  put("b", 60, { status: "finished", runner: "test_runner", caller_id: "me" }, { ms: "70000", "label:team": "core" });
  put("c", 30, { status: "started", runner: "test_runner" }, { instance: "inst-1", started_ms: String(NOW - 60_000) });
  put("d", 1, { status: "dispatched", context_id: "x" });
  return fixture;
}

/** Ids of the jobs that are shown. */
async function ids(fixture: CommandFixture, ...args: string[]): Promise<string> {
  fixture.stdout = "";
  assertEquals(await fixture.run("status", "--json", ...args), 0, fixture.stderr);
  return JSON.parse(fixture.stdout).jobs.map(({ id }: { id: string }) => id).join(" ");
}

Deno.test("status shows the jobs that fit all conditions", async () => {
  const cases: [string[], string][] = [
    [[], "d c b a"],
    [["--state", "error"], "a"],
    [["--state", "error", "--state", "dispatched"], "d a"],
    [["--runner", "test_runner"], "c b"],
    [["--caller", "me"], "b a"],
    [["--context", "x"], "d a"],
    [["--label", "team=core"], "b a"],
    [["--label", "team=core", "--label", "kind=nightly"], "a"],
    [["--label", "team=other"], ""],
    [["--label", "team"], "b a"],
    [["--label", "kind", "--label", "team=core"], "a"],
    [["--outcome", "ok"], "b"],
    [["--outcome", "failed", "--outcome", "ok"], "b a"],
    [["--outcome", "timed-out"], ""],
    [["--text", "ECHO C"], "c"],
    [["--before", "45m"], "b a"],
    [["--before", "45m", "--since", "75m"], "b"],
    [["--since", "2026-01-31T11:30:00Z"], "d c"],
    [["--before", iso(60)], "a"],
    [["--state", "error", "--name", "build"], "a"],
    [["--state", "finished", "--name", "build"], ""],
    [["--state", "finished", "--name", "build", "--runner", "test_runner"], "b"],
    [["--name", "build"], "d c b a"],
    [["--since", "1h"], "d c b"],
    [["--since", "45m", "--state", "started"], "c"],
    [["--caller", "me", "--state", "finished", "-n", "1"], "b"],
    [["-n", "2"], "d c"],
    [["-n", "0"], ""],
  ];
  for (const [args, expected] of cases) assertEquals(await ids(fixtureWith(), ...args), expected, args.join(" "));
});

Deno.test("status sorts jobs; what has no value comes last", async () => {
  const cases: [string, string][] = [
    ["created", "d c b a"],
    ["started", "c a d b"],
    ["ended", "a d c b"],
    ["took", "b a d c"],
    ["status", "d a b c"],
    ["runner", "d a c b"],
    ["id", "a b c d"],
  ];
  for (const [key, expected] of cases) assertEquals(await ids(fixtureWith(), "--sort", key), expected, key);
  assertEquals(await ids(fixtureWith(), "--sort", "took", "-n", "1"), "b");
});

Deno.test("status finds running jobs however old, and says when it did not check all others", async () => {
  const fixture = fixtureWith();
  assertEquals(await ids(fixture, "--state", "started", "--among", "1"), "c");
  assertEquals(await ids(fixture, "--caller", "me", "--among", "2"), "");
  assertEquals(
    fixture.stderr.split("\n").at(-2),
    "runner: 0 of the newest 2 jobs fit; --among N scans more",
  );
  fixture.stderr = "";
  assertEquals(await ids(fixture, "--since", "2m", "--among", "2"), "d");
  assertEquals(await ids(fixture, "--caller", "me", "--among", "4", "-n", "2"), "b a");
  assertEquals(fixture.stderr, "");
});

Deno.test("status with conditions shows only jobs, with --runner also that runner and its queue", async () => {
  const jobs = fixtureWith();
  assertEquals(await jobs.run("status", "--label", "team=core"), 0);
  await assertGolden("status_label", jobs.stdout);
  const runner = fixtureWith();
  assertEquals(await runner.run("status", "--runner", "build"), 0);
  await assertGolden("status_runner", runner.stdout);
});

Deno.test("status --columns shows these columns in this order", async () => {
  const fixture = fixtureWith();
  assertEquals(
    await fixture.run("status", "--state", "error", "--columns", "text,id,error,caller,labels,started,ended"),
    0,
  );
  assertEquals(
    fixture.stdout,
    "JOB TEXT  JOB  ERROR               CALLER  LABELS                  STARTED   ENDED\n" +
      "echo a    a    exited with code 3  me      team=core kind=nightly   2m ago  1m ago\n",
  );
});

Deno.test("status refuses conditions that mean nothing, before it asks Redis", async () => {
  const cases: [string[], string][] = [
    [
      ["--columns", "id,staus"],
      'Cannot use column "staus": there is no such column, perhaps you mean status; columns are',
    ],
    [
      ["--state", "runnning"],
      'Cannot use --state: "runnning" is not one of queued, running, waiting, finished, failed, ',
    ],
    [["--state", "error", "a"], "Cannot use --state with ids: it filters all jobs"],
    [["--outcome", "bad"], 'Cannot use --outcome: "bad" is not one of ok, failed, timed-out, cancelled, lost, skipped'],
    [
      ["--since", "yesterday"],
      'Cannot use --since: "yesterday" is neither a duration nor a time; write for example 90m or',
    ],
    [["--csv"], "Cannot use --csv without the id of a batch"],
    [["--sort", "age"], 'Cannot use --sort: "age" is not one of created'],
  ];
  for (const [args, message] of cases) {
    const fixture = fixtureWith();
    assertEquals([await fixture.run("status", ...args), fixture.opened.length], [2, 0], args.join(" "));
    assert(fixture.stderr.startsWith(`runner: ${message}`), fixture.stderr);
  }
  const fixture = fixtureWith();
  assertEquals(await fixture.run("status", "--label", "team", "--label", "team=core"), 2);
  for (const flag of ["runner", "caller", "context", "label", "batch", "since", "before", "text"]) {
    fixture.stderr = "";
    assertEquals([await fixture.run("status", `--${flag}=`), fixture.stderr], [
      2,
      `runner: Cannot use --${flag}: it is empty; see runner status --help\n`,
    ]);
  }
  assertEquals(await fixture.run("status", "--runner", "biuld"), 2);
  assert(fixture.stderr.includes('used that name, perhaps you mean "build"'), fixture.stderr);
});
