import { assertEquals, assertStringIncludes } from "../support/assert.ts";
import { CommandFixture, type CommandOptions } from "./command_fixture.ts";

const HOUR = 3_600_000;

/** Jobs that ended 1, 2 and 3 hours ago, and one that runs. */
function fixtureWith(options: CommandOptions = {}): CommandFixture {
  const fixture = new CommandFixture(options);
  const ended = (hours: number) => ({ ended_ms: String(fixture.redis.nowMs - hours * HOUR - 1) });
  fixture.redis.put("three", { status: "finished" }, ended(3));
  fixture.redis.put("two", { status: "error" }, ended(2));
  fixture.redis.put("runs", { status: "started" });
  fixture.redis.put("one", { status: "finished" }, ended(1));
  return fixture;
}

const left = (fixture: CommandFixture) => [...fixture.redis.jobs.keys()];

Deno.test("a command is refused for a namespace whose keys would be those of another one", async () => {
  for (const command of [["purge", "--yes"], ["submit", "true"], ["status"], ["run"], ["cancel", "one"]]) {
    for (const namespace of ["rr:meta", "rr", "a:runner", "a:job_b", "job_"]) {
      const fixture = fixtureWith();
      assertEquals(await fixture.run(...command, "--namespace", namespace), 2);
      assertEquals(left(fixture).length, 4);
      assertStringIncludes(fixture.stderr, "its keys would be those of another namespace");
    }
  }
});

Deno.test("purge --yes deletes ended jobs by age and state", async () => {
  const cases: [string[], string[], string][] = [
    [[], ["runs"], "deleted 3 ended jobs\n"],
    [["--older-than", "2h"], ["runs", "one"], "deleted 2 ended jobs that ended more than 2h ago\n"],
    [["--state", "error"], ["three", "runs", "one"], "deleted 1 failed job\n"],
    [
      ["--state", "finished", "--older-than", "1d"],
      ["three", "two", "runs", "one"],
      "deleted 0 finished jobs that ended more than 1d ago\n",
    ],
    [["-s", "x"], ["runs"], "deleted 3 ended jobs in namespace x:\n"],
  ];
  for (const [args, expected, says] of cases) {
    const fixture = fixtureWith();
    assertEquals([await fixture.run("purge", "--yes", ...args), fixture.stdout, fixture.stderr], [0, "", says]);
    assertEquals(left(fixture), expected);
  }
  const fixture = fixtureWith();
  assertEquals([await fixture.run("purge", "-y", "--json"), fixture.stdout, fixture.stderr], [
    0,
    '{"deleted":3,"running":0,"awaited":0}\n',
    "",
  ]);
});

Deno.test("purge deletes the jobs of the runner that was named, by whatever setting", async () => {
  for (const [args, env] of [[["--name", "build"], {}], [[], { RUNNER_NAME: "build" }]] as const) {
    const fixture = fixtureWith({ env });
    fixture.redis.change("two", {}, { runner: "build" });
    assertEquals([await fixture.run("purge", "--yes", ...args), fixture.stderr], [
      0,
      "deleted 1 ended job of runner build\n",
    ]);
    assertEquals(left(fixture), ["three", "runs", "one"]);
  }
});

Deno.test("purge --dry-run lists the jobs and deletes nothing", async () => {
  const fixture = fixtureWith();
  assertEquals([await fixture.run("purge", "--dry-run"), fixture.stderr], [0, "would delete 3 ended jobs\n"]);
  for (const id of ["one", "two", "three"]) assertStringIncludes(fixture.stdout, `\n${id} `);
  assertEquals(fixture.stdout.includes("runs"), false);
  fixture.stdout = "";
  assertEquals(await fixture.run("purge", "--dry-run", "--json", "--state", "failed"), 0);
  assertEquals(fixture.stdout.trimEnd().split("\n").map((line) => JSON.parse(line).id), ["two"]);
  assertEquals(left(fixture).length, 4);
});

Deno.test("purge without a terminal and without --yes is wrong usage", async () => {
  const fixture = fixtureWith({ input: "y\n" });
  assertEquals([await fixture.run("purge"), left(fixture).length, fixture.opened.length], [2, 4, 0]);
  assertEquals(
    fixture.stderr,
    "runner: Cannot purge: there is no terminal for the question; write --yes to purge without it; see runner purge --help\n",
  );
});

Deno.test("purge refuses jobs that have not ended, before it asks Redis", async () => {
  const fixture = fixtureWith();
  assertEquals([await fixture.run("purge", "--yes", "--state", "running"), fixture.opened.length], [2, 0]);
  assertStringIncludes(fixture.stderr, "Cannot purge jobs in state running: only ended jobs are deleted");
});

Deno.test("purge deletes the jobs that fit, and says which ended ones it keeps", async () => {
  const fixture = fixtureWith();
  fixture.redis.put("labelled", { status: "error", error: "lost: host gone" }, { "label:nightly": "1" });
  assertEquals([await fixture.run("purge", "--yes", "--outcome", "lost"), fixture.stderr], [
    0,
    "deleted 1 ended job\n",
  ]);
  fixture.redis.change("one", {}, { token: "1.x" });
  fixture.redis.put("child", { status: "dispatched" }, { "after:two": "finished" });
  fixture.stderr = "";
  assertEquals([await fixture.run("purge", "--yes"), fixture.stderr], [
    0,
    "deleted 1 ended job\nunchanged: 1 still run, 1 are awaited by other jobs\n",
  ]);
  assertEquals(left(fixture), ["two", "runs", "one", "child"]);
});

Deno.test("purge of named jobs asks nothing, and says of each what was done", async () => {
  const fixture = fixtureWith();
  assertEquals([await fixture.run("purge", "three", "runs"), fixture.stderr], [
    1,
    "job three: deleted\njob runs: not deleted: it has not ended, or not as long ago as --older-than says\n",
  ]);
  assertEquals([await fixture.run("purge", "--json", "two"), fixture.stdout], [0, '{"id":"two","result":"deleted"}\n']);
  fixture.stdout = "";
  assertEquals(await fixture.run("purge", "--dry-run", "one"), 0);
  assertStringIncludes(fixture.stdout, "\none ");
  assertEquals(left(fixture), ["runs", "one"]);
  assertEquals(await fixture.run("purge", "one", "--state", "finished"), 2);
});

Deno.test("purge asks on a terminal", async () => {
  const question = "Delete 3 ended jobs? [y/N] ";
  for (
    const [input, count, says] of [
      ["y\n", 1, "deleted 3 ended jobs\n"],
      ["Yes\nno\n", 1, "deleted 3 ended jobs\n"],
      ["\n", 4, "runner: nothing was deleted\n"],
      ["yesterday\n", 4, "runner: nothing was deleted\n"],
      ["", 4, "runner: nothing was deleted\n"],
    ] as const
  ) {
    const fixture = fixtureWith({ input, columns: 80 });
    assertEquals(await fixture.run("purge"), 0);
    assertEquals([left(fixture).length, fixture.stderr], [count, question + says], JSON.stringify(input));
  }
});
