import { assertEquals, assertStringIncludes } from "../support/assert.ts";
import { FakeWorld, type WorldOptions } from "./fake_world.ts";

const HOUR = 3_600_000;

/** Jobs that ended 1, 2 and 3 hours ago, and one that runs. */
function worldWith(options: WorldOptions = {}): FakeWorld {
  const world = new FakeWorld(options);
  const ended = (hours: number) => ({ ended_ms: String(world.redis.nowMs - hours * HOUR - 1) });
  world.redis.put("three", { status: "finished" }, ended(3));
  world.redis.put("two", { status: "error" }, ended(2));
  world.redis.put("runs", { status: "started" });
  world.redis.put("one", { status: "finished" }, ended(1));
  return world;
}

const left = (world: FakeWorld) => [...world.redis.jobs.keys()];

Deno.test("a command is refused for a namespace whose keys would be those of another one", async () => {
  for (const command of [["purge", "--yes"], ["submit", "true"], ["status"], ["run"], ["cancel", "one"]]) {
    for (const namespace of ["rr:x", "rr", "a:runner", "a:job_b", "job_"]) {
      const world = worldWith();
      assertEquals(await world.run(...command, "--namespace", namespace), 2);
      assertEquals(left(world).length, 4);
      assertStringIncludes(world.stderr, "its keys would be those of another namespace");
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
    const world = worldWith();
    assertEquals([await world.run("purge", "--yes", ...args), world.stdout, world.stderr], [0, "", says]);
    assertEquals(left(world), expected);
  }
  const world = worldWith();
  assertEquals([await world.run("purge", "-y", "--json"), world.stdout, world.stderr], [0, '{"deleted":3}\n', ""]);
});

Deno.test("purge deletes the jobs of the runner that was named, by whatever setting", async () => {
  for (const [args, env] of [[["--name", "build"], {}], [[], { RUNNER_NAME: "build" }]] as const) {
    const world = worldWith({ env });
    world.redis.change("two", {}, { runner: "build" });
    assertEquals([await world.run("purge", "--yes", ...args), world.stderr], [
      0,
      "deleted 1 ended job of runner build\n",
    ]);
    assertEquals(left(world), ["three", "runs", "one"]);
  }
});

Deno.test("purge --dry-run deletes nothing", async () => {
  const world = worldWith();
  assertEquals([await world.run("purge", "--dry-run"), world.stderr], [0, "would delete 3 ended jobs\n"]);
  assertEquals([await world.run("purge", "--dry-run", "--json"), world.stdout], [0, '{"would_delete":3}\n']);
  assertEquals(left(world).length, 4);
});

Deno.test("purge without a terminal and without --yes is wrong usage", async () => {
  const world = worldWith({ input: "y\n" });
  assertEquals([await world.run("purge"), left(world).length, world.opened.length], [2, 4, 0]);
  assertEquals(
    world.stderr,
    "runner: Cannot purge: there is no terminal to ask on; write --yes to delete without a question; see runner purge --help\n",
  );
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
    const world = worldWith({ input, columns: 80 });
    assertEquals(await world.run("purge"), 0);
    assertEquals([left(world).length, world.stderr], [count, question + says], JSON.stringify(input));
  }
});
