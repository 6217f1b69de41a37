import { assert, assertEquals } from "../support/assert.ts";
import { CommandFixture, type CommandOptions } from "./command_fixture.ts";
import { anInstance } from "./fake_store.ts";

async function added(options: CommandOptions = {}, ...more: string[]): Promise<CommandFixture> {
  const fixture = new CommandFixture(options);
  const args = ["schedule", "add", "backup", "0 3 * * *", ...more, "make backup"];
  assertEquals(await fixture.run(...args), 0, fixture.stderr);
  fixture.stdout = fixture.stderr = "";
  return fixture;
}

Deno.test("schedule add stores the job with the options of submit, and reports the next firing", async () => {
  const fixture = new CommandFixture({ files: { env: "TOKEN=secret\n" } });
  const options = ["-n", "build", "-t", "2h", "--env-file", "env", "--label", "kind=nightly", "--keep", "30d"];
  const times = ["--tz", "Europe/Berlin", "--overlap", "replace", "--catch-up", "1d", "--jitter", "5m"];
  const args = ["schedule", "add", "backup", "0 3 * * *", ...options, ...times, "--", "tar", "-c", "my files"];
  assertEquals(await fixture.run(...args), 0, fixture.stderr);
  assertEquals([fixture.stdout, fixture.stderr], ["", "schedule backup: fires next at 2026-02-01T02:00:00.000Z\n"]);
  const { submission, overlap, catchUp, jitter, tz } = fixture.redis.schedules.stored.get("backup")!;
  assertEquals([overlap, catchUp, jitter, tz], ["replace", 86_400, 300, "Europe/Berlin"]);
  assertEquals(submission, {
    payload: "tar -c 'my files'",
    runner: "build",
    executor: "tmux.main",
    timeout: 7200,
    env: { TOKEN: "secret" },
    labels: { kind: "nightly" },
    priority: "normal",
    keep: 30 * 86_400,
  });
  const again = new CommandFixture({ files: { "b.sh": "make" } });
  assertEquals(await again.run("schedule", "add", "b", "@daily", "--script", "b.sh", "--json"), 0, again.stderr);
  assertEquals(JSON.parse(again.stdout), { name: "b", next: "2026-02-01T00:00:00.000Z", paused: false });
});

Deno.test("schedule add says that a schedule which it replaces stays paused", async () => {
  const fixture = await added();
  await fixture.run("schedule", "pause", "backup");
  fixture.stderr = "";
  assertEquals(await fixture.run("schedule", "add", "backup", "@daily", "x"), 0);
  assertEquals(
    fixture.stderr,
    "schedule backup: is replaced and still paused; runner schedule resume backup ends that\n",
  );
});

Deno.test("schedule refuses what it cannot do in one sentence, and changes nothing", async () => {
  const cases: [args: string[], says: string][] = [
    [["frob"], 'Cannot do "frob" with schedules: there are add, list, show, next, pause, resume, run, remove'],
    [["toString"], 'Cannot do "toString" with schedules'],
    [["add", "x"], "Cannot run runner schedule add: it needs a name, a cron expression and the job"],
    [["add", "x", "@daily"], "Cannot submit: no job is given"],
    [["add", "x", "@daily", "a", "--", "b"], "Cannot submit: more than one job is given"],
    [["add", "x y", "@daily", "a"], 'Cannot use schedule "x y"'],
    [["add", "x", "0 25 * * *", "a"], 'Cannot use schedule "0 25 * * *": Invalid value for hour: 25'],
    [["add", "x", "0 0 30 2 *", "a"], "never fires"],
    [["add", "x", "@every 99999999999d", "a"], "never fires"],
    [["add", "x", "@daily", "a", "--tz", "Mars"], 'Cannot use time zone "Mars"'],
    [["add", "x", "@daily", "a", "--overlap", "both"], "--overlap"],
    [["add", "x", "@daily", "a", "--count", "3"], "Cannot use --count with runner schedule add: it is for next"],
    [["list", "x"], "Cannot run runner schedule list: it needs no arguments"],
    [["list", "--", "x"], "Cannot run runner schedule list"],
    [["list", "--tz", "UTC"], "Cannot use --tz with runner schedule list: it is for add and next"],
    [["show", "none"], 'Cannot find schedule "none": there is none of this name'],
    [["next", "none"], 'Cannot find schedule "none"'],
    [["pause", "none"], 'Cannot pause schedule "none"'],
    [["run", "none"], 'Cannot find schedule "none"'],
    [["remove", "none"], 'Cannot remove schedule "none"'],
    [["next", "backup", "--tz", "UTC"], "Cannot use --tz with the name of a schedule"],
  ];
  for (const [args, says] of cases) {
    const fixture = new CommandFixture();
    assertEquals(await fixture.run("schedule", ...args), 2, `${args}: ${fixture.stderr}`);
    assert(fixture.stderr.startsWith(`runner: `) && fixture.stderr.includes(says), fixture.stderr);
    assertEquals([fixture.stdout, fixture.redis.schedules.stored.size], ["", 0]);
  }
});

Deno.test("schedule list shows last, next, outcome and what a person should be aware of", async () => {
  const fixture = await added({}, "-n", "build");
  const list = async () => {
    fixture.stdout = "";
    assertEquals(await fixture.run("schedule", "list"), 0, fixture.stderr);
    return fixture.stdout;
  };
  assertEquals(
    await list(),
    "NAME    WHEN       NEXT                      LAST  OUTCOME  NOTES\n" +
      'backup  0 3 * * *  2026-02-01T03:00:00.000Z                 no runner "build" is alive; ' +
      "missed firings are not made up\n",
  );
  fixture.redis.instanceList = [anInstance({ runner: "build" })];
  const [last, job] = [Date.UTC(2026, 0, 31, 3), "backup@2026-01-31T03:00:00Z"];
  fixture.redis.put(job, { status: "error", error: "exited with code 3" });
  const more = { lastMs: last, job, catchUp: 3600, skipped: { ms: last + 1000, why: "running" } };
  fixture.redis.schedules.change("backup", { ...more, heldMs: last + 2000, paused: true });
  const text = await list();
  assert(!text.includes("2026-02-01"), text);
  assert(
    text.includes(
      "2026-01-31T03:00:00.000Z  exited with code 3  paused; the firing of 2026-01-31T03:00:02.000Z waits for the end of " +
        `${job}; skipped 2026-01-31T03:00:01.000Z: the last job had not ended; a missed firing is made up for 1h\n`,
    ),
    text,
  );
  fixture.stdout = "";
  await fixture.run("schedule", "list", "--json");
  const json = JSON.parse(fixture.stdout);
  assertEquals([json.name, json.last_job, json.last_status, json.served], ["backup", job, "error", true]);
  assertEquals(json.skipped, { time: "2026-01-31T03:00:01.000Z", why: "running" });
  const none = new CommandFixture();
  assertEquals(await none.run("schedule", "list"), 0);
  assertEquals([none.stdout, none.stderr], ["", "runner: there are no schedules\n"]);
});

Deno.test("schedule show has everything but the values of the environment", async () => {
  const fixture = await added({}, "--env", "TOKEN=secret", "--jitter", "5m");
  for (const json of [[], ["--json"]]) {
    fixture.stdout = "";
    assertEquals(await fixture.run("schedule", "show", "backup", ...json), 0, fixture.stderr);
    assert(!fixture.stdout.includes("secret"), fixture.stdout);
    for (const part of ["backup", "0 3 * * *", "make backup"]) assert(fixture.stdout.includes(part), part);
  }
  fixture.stdout = "";
  await fixture.run("schedule", "show", "backup");
  assert(/^env +TOKEN$/m.test(fixture.stdout) && /^jitter +5m$/m.test(fixture.stdout), fixture.stdout);
});

Deno.test("schedule makes hostile text of other programs printable", async () => {
  const fixture = await added();
  fixture.redis.schedules.change("backup", {
    cron: "\x1b[31m0 3 * * *",
    submission: { payload: "a\x1b]0;t\x07\nb", runner: "\x1b[2J", executor: "tmux.main", title: "\x1bc" },
  });
  for (const action of [["list"], ["show", "backup"]]) await fixture.run("schedule", ...action);
  assert(!fixture.stdout.includes("\x1b") && !fixture.stdout.includes("\x07"), fixture.stdout);
});

Deno.test("schedule next shows the times of a schedule or of an expression", async () => {
  const fixture = await added({}, "--tz", "Europe/Berlin");
  assertEquals(await fixture.run("schedule", "next", "backup", "--count", "2"), 0, fixture.stderr);
  assertEquals(
    await fixture.run("schedule", "next", "@daily", "--tz", "Asia/Tokyo", "--count", "1"),
    0,
    fixture.stderr,
  );
  assertEquals(await fixture.run("schedule", "next", "@every 90s", "--json", "--count", "1"), 0, fixture.stderr);
  assertEquals(fixture.stdout.split("\n"), [
    ...["2026-02-01T02:00:00.000Z", "2026-02-02T02:00:00.000Z", "2026-01-31T15:00:00.000Z"],
    ...['{"time":"2026-01-31T12:01:30.000Z"}', ""],
  ]);
  fixture.stdout = "";
  assertEquals(await fixture.run("schedule", "next", "0 0 30 2 *"), 0);
  assertEquals([fixture.stdout, fixture.stderr], ["", 'runner: "0 0 30 2 *" never fires from now on\n']);
});

Deno.test("schedule pause, resume, run and remove report what they did", async () => {
  const fixture = await added();
  const says = async (...args: string[]) => {
    fixture.stdout = fixture.stderr = "";
    assertEquals(await fixture.run("schedule", ...args), 0, fixture.stderr);
    return fixture.stdout + fixture.stderr;
  };
  assertEquals(await says("pause", "backup"), "schedule backup: paused; jobs that it made go on\n");
  assertEquals(await says("resume", "backup"), "schedule backup: fires next at 2026-02-01T03:00:00.000Z\n");
  assertEquals(await says("run", "backup"), "backup@2026-01-31T12:00:00Z.manual-1\n");
  assertEquals(
    await says("run", "backup", "--json"),
    '{"name":"backup","id":"backup@2026-01-31T12:00:00Z.manual-2"}\n',
  );
  assertEquals(await says("pause", "backup", "--json"), '{"name":"backup","paused":true}\n');
  assertEquals(await says("remove", "backup"), "schedule backup: removed; jobs that it made stay\n");
  assertEquals(fixture.redis.schedules.stored.size, 0);
});
