import { UnavailableError } from "../../src/domain/errors.ts";
import { assert, assertEquals, assertStringIncludes } from "../support/assert.ts";
import { until } from "../support/until.ts";
import { CommandFixture, type CommandOptions } from "./command_fixture.ts";

const NIGHTLY = { "label:nightly": "" };

/** Nightly jobs: two wait, one runs, two have failed, one has finished; and `other`, which waits. */
function fixtureWith(options: CommandOptions = {}): CommandFixture {
  const fixture = new CommandFixture(options);
  const { redis } = fixture;
  redis.put("other", { status: "dispatched", runner: "q" });
  redis.put("w1", { status: "dispatched", runner: "r" }, NIGHTLY);
  redis.put("w2", { status: "dispatched", runner: "q" }, NIGHTLY);
  redis.put("runs", { status: "started", runner: "r" }, NIGHTLY);
  redis.put("f1", { status: "error", runner: "r", error: "exited with code 3" }, NIGHTLY);
  redis.put("f2", { status: "error", runner: "q", error: "timed out after 3 s" }, NIGHTLY);
  redis.put("ok", { status: "finished", runner: "r" }, NIGHTLY);
  redis.queueList = ["r", "q"].map((runner) => ({ runner, queued: 0, delayed: 0, parked: 0, paused: false }));
  return fixture;
}

const cancelled = ({ redis }: CommandFixture) => redis.cancelled.map(([id]) => id);

Deno.test("cancel with filters and --yes cancels what fits, and says how many were not, and why", async () => {
  const fixture = fixtureWith();
  assertEquals(await fixture.run("cancel", "--yes", "--label", "nightly", "--reason", "why"), 0);
  assertEquals(fixture.redis.cancelled, [["runs", "why"], ["w2", "why"], ["w1", "why"]]);
  assertEquals([fixture.stdout, fixture.stderr], [
    "",
    "2 cancelled before they started, 1 stopped by their runners, now or as soon as these are back\n" +
    "unchanged: 3 had ended already\n",
  ]);
});

Deno.test("cancel of waiting jobs gives their queues, and spares those that start meanwhile", async () => {
  const fixture = fixtureWith();
  fixture.redis.queued = [{ runner: "elsewhere", ids: ["w1"] }];
  assertEquals(await fixture.run("cancel", "-y", "--json", "--state", "queued", "--label", "nightly"), 0);
  assertEquals(fixture.stdout, '{"id":"w2","result":"cancelled"}\n{"id":"w1","result":"cancelled"}\n');
  assertEquals(fixture.redis.cancelOptions, [
    { queue: "q", waitingOnly: true },
    { queue: "elsewhere", waitingOnly: true },
  ]);
});

Deno.test("a queue that is named in any setting restricts filters, unless --runner says otherwise", async () => {
  for (
    const [args, env, ids] of [
      [["-n", "q"], {}, ["w2", "other"]],
      [[], { RUNNER_NAME: "q" }, ["w2", "other"]],
      [["-n", "q", "--runner", "r"], {}, ["w1"]],
    ] as const
  ) {
    const fixture = fixtureWith({ env });
    assertEquals(await fixture.run("cancel", "--yes", "--state", "queued", ...args), 0);
    assertEquals(cancelled(fixture), [...ids]);
  }
});

Deno.test("cancel, retry and purge with filters ask on a terminal, and say how many", async () => {
  const cases: [string[], string][] = [
    [["cancel", "--label", "nightly"], "Cancel 3 jobs? [y/N] "],
    [["cancel", "--label", "nightly", "-n", "r", "-s", "x"], "Cancel 2 jobs of runner r in namespace x:? [y/N] "],
    [["retry", "--outcome", "failed"], "Run 1 job again? [y/N] "],
    [["purge", "--label", "nightly"], "Delete 3 ended jobs? [y/N] "],
  ];
  for (const [args, question] of cases) {
    const no = fixtureWith({ input: "no\n", columns: 80 });
    assertEquals(await no.run(...args), 0);
    assertStringIncludes(no.stderr, question);
    assertStringIncludes(no.stderr, `runner: nothing was ${args[0] === "purge" ? "deleted" : "changed"}\n`);
    assertEquals([cancelled(no).length, no.redis.jobs.size, no.redis.jobs.get("f1")?.fields.status], [0, 7, "error"]);
    const yes = fixtureWith({ input: "y\n", columns: 80 });
    assertEquals(await yes.run(...args), 0);
    const changed = cancelled(yes).length > 0 || yes.redis.jobs.size < 7 ||
      yes.redis.jobs.get("f1")?.fields.status === "dispatched";
    assert(changed, args.join(" "));
    const pipe = fixtureWith({ input: "y\n" });
    assertEquals([await pipe.run(...args), pipe.opened.length], [2, 0]);
    assertStringIncludes(pipe.stderr, `Cannot ${args[0]}: there is no terminal for the question; write --yes to `);
  }
});

Deno.test("--dry-run lists the jobs that would be changed, and changes none", async () => {
  const fixture = fixtureWith();
  assertEquals([await fixture.run("cancel", "--label", "nightly", "--dry-run"), fixture.stderr], [
    0,
    "would cancel 3 jobs\n",
  ]);
  for (const id of ["w1", "w2", "runs"]) assertStringIncludes(fixture.stdout, `\n${id} `);
  assertEquals(fixture.stdout.includes("f1"), false);
  fixture.stdout = "";
  assertEquals(await fixture.run("retry", "--label", "nightly", "--dry-run", "--json"), 0);
  const lines = fixture.stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals(lines.map(({ id, outcome }) => `${id} ${outcome}`), ["f1 failed", "f2 timed-out", "ok ok"]);
  fixture.stdout = "";
  for (const command of ["cancel", "retry"]) assertEquals(await fixture.run(command, "--dry-run", "f1"), 0);
  assertEquals(fixture.stdout.match(/^f1 /gm)?.length, 2);
  assertEquals([cancelled(fixture), fixture.redis.jobs.get("f1")?.fields.status], [[], "error"]);
});

Deno.test("a selection that no job fits changes nothing, and is no failure", async () => {
  const fixture = fixtureWith();
  assertEquals([await fixture.run("cancel", "--yes", "--text", "nothing"), fixture.stderr], [
    0,
    "runner: no job to cancel\n",
  ]);
  fixture.stderr = "";
  assertEquals([await fixture.run("cancel", "--yes", "--state", "failed", "-n", "r"), fixture.stderr], [
    0,
    "runner: no job to cancel of runner r; 1 job fit and had ended already\n",
  ]);
  fixture.stderr = "";
  assertEquals(await fixture.run("cancel", "--yes", "--runner", "rr"), 2);
  assertStringIncludes(fixture.stderr, 'Cannot cancel jobs of runner "rr": no runner and no job of this namespace');
});

Deno.test("ids and filters do not go together, and one of them is needed", async () => {
  for (const command of ["cancel", "retry", "wait", "events", "purge"]) {
    const fixture = fixtureWith();
    assertEquals([await fixture.run(command, "w1", "--text", "x"), fixture.opened.length], [2, 0]);
    assertStringIncludes(fixture.stderr, "Cannot use --text with ids: it filters all jobs");
    if (command === "events" || command === "purge") continue;
    fixture.stderr = "";
    assertEquals([await fixture.run(command), fixture.opened.length], [2, 0]);
    assertStringIncludes(fixture.stderr, `Cannot run runner ${command}: it needs ids of jobs, or options that filter`);
  }
});

Deno.test("--cascade is refused with filters, and with --dry-run it lists everything that it would change", async () => {
  for (const command of ["cancel", "retry"]) {
    const fixture = fixtureWith();
    assertEquals([await fixture.run(command, "--cascade", "--yes", "--label", "nightly"), fixture.opened.length], [
      2,
      0,
    ]);
    assertStringIncludes(fixture.stderr, "Cannot use --cascade with filters: name the jobs by their ids");
  }
  const fixture = fixtureWith();
  fixture.redis.put("child", { status: "dispatched" }, { "after:w1": "finished" });
  fixture.redis.put("skipped", { status: "error" }, { "after:f1": "finished", skipped: "1" });
  const listed = async (...args: string[]) => {
    fixture.stdout = "";
    assertEquals(await fixture.run(...args, "--cascade", "--dry-run", "--json"), 0);
    return fixture.stdout.trimEnd().split("\n").map((line) => JSON.parse(line).id);
  };
  assertEquals(await listed("cancel", "w1"), ["w1", "child"]);
  assertEquals(await listed("retry", "f1"), ["f1", "skipped"]);
  assertEquals([cancelled(fixture), fixture.redis.jobs.get("f1")?.fields.status], [[], "error"]);
});

Deno.test("retry with filters queues parents first, and fails when a job cannot run again", async () => {
  const fixture = fixtureWith();
  const { redis } = fixture;
  redis.put("child", { status: "error", runner: "r" }, { ...NIGHTLY, "after:f1": "finished" });
  redis.put("orphan", { status: "error", runner: "r" }, { ...NIGHTLY, "after:gone": "finished" });
  redis.put("nowhere", { status: "error" }, NIGHTLY);
  assertEquals(await fixture.run("retry", "--yes", "--state", "failed", "--label", "nightly"), 1);
  assertEquals(
    fixture.stderr,
    "2 queued for a new attempt, 1 to be queued when other jobs are over\n" +
      "unchanged: 1 wait for a job that has failed or is gone, 1 name no runner\n",
  );
  fixture.stderr = "";
  assertEquals([await fixture.run("retry", "--yes", "--label", "nightly", "--text", "x"), fixture.stderr], [
    0,
    "runner: no job to retry\n",
  ]);
});

Deno.test("a change says what was done before Redis went away", async () => {
  const fixture = fixtureWith();
  const cancel = fixture.redis.cancel.bind(fixture.redis);
  fixture.redis.cancel = (id, ...rest) =>
    id === "w2" ? Promise.reject(new UnavailableError("Cannot run cancel: gone")) : cancel(id, ...rest);
  assertEquals(await fixture.run("cancel", "--yes", "--label", "nightly"), 69);
  assertEquals(
    fixture.stderr,
    "1 cancelled before they started, 1 stopped by their runners, now or as soon as these are back\n" +
      "unchanged: 3 had ended already\nrunner: Cannot run cancel: gone\n",
  );
});

Deno.test("a job that no longer fits when its turn comes is left alone", async () => {
  const fixture = fixtureWith();
  const summaries = fixture.redis.summaries.bind(fixture.redis);
  let reads = 0;
  fixture.redis.summaries = (ids) => {
    if (ids.includes("w1") && ++reads === 2) {
      fixture.redis.change("w1", { status: "started" });
      fixture.redis.jobs.delete("other");
    }
    return summaries(ids);
  };
  assertEquals(await fixture.run("cancel", "--yes", "--state", "queued"), 0);
  assertEquals(cancelled(fixture), ["w2"]);
  assertEquals(
    fixture.stderr,
    "1 cancelled before they started\nunchanged: 1 no longer fit, 1 have left Redis\n",
  );
});

Deno.test("wait with filters waits for the jobs that fit now, and exits with the highest code", async () => {
  const fixture = fixtureWith();
  for (const id of ["w1", "w2"]) fixture.redis.jobs.delete(id);
  const code = fixture.run("wait", "--label", "nightly");
  await until("it waits", () => fixture.redis.isWatched("runs"));
  fixture.redis.change("runs", { status: "finished" });
  assertEquals(await code, 124);
  fixture.stderr = "";
  assertEquals([await fixture.run("wait", "--text", "nothing"), fixture.stderr], [
    4,
    "runner: Cannot wait: no job of this namespace fits; runner status shows the newest jobs\n",
  ]);
});

Deno.test("events shows those of named jobs, or of jobs that fit when it reads them", async () => {
  const ids = (fixture: CommandFixture) => fixture.stdout.trimEnd().split("\n").map((line) => JSON.parse(line).id);
  for (
    const [args, expected] of [
      [["f2", "other"], ["other", "f2", "other"]],
      [["--label", "nightly"], ["f1", "f2"]],
      [["--label", "nightly", "-n", "1"], ["f2"]],
      [["--outcome", "timed-out"], ["f2"]],
    ] as const
  ) {
    const fixture = fixtureWith();
    for (const id of ["f1", "other", "gone", "f2", "other"]) fixture.redis.happen({ event: "finish", id });
    assertEquals(await fixture.run("events", "--json", ...args), 0);
    assertEquals(ids(fixture), [...expected]);
  }
});

Deno.test("events --follow shows events of jobs that fit when they happen", async () => {
  const fixture = fixtureWith();
  const { redis } = fixture;
  const code = fixture.run("events", "-f", "--json", "--outcome", "ok");
  await until("it listens", () => fixture.opened.length === 1);
  redis.happen({ event: "start", id: "runs" });
  redis.happen({ event: "finish", id: "ok" });
  await until("one is shown", () => fixture.stdout !== "");
  redis.change("runs", { status: "finished" });
  redis.happen({ event: "finish", id: "runs" });
  await until("both are shown", () => fixture.stdout.trimEnd().split("\n").length === 2);
  fixture.signal("SIGINT");
  assertEquals(await code, 130);
  assertEquals(fixture.stdout.trimEnd().split("\n").map((line) => JSON.parse(line).id), ["ok", "runs"]);
});
