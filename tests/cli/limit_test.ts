import { assert, assertEquals } from "../support/assert.ts";
import { CommandFixture } from "./command_fixture.ts";
import { anInstance } from "./fake_store.ts";

const holder = (id: string, number: number) => ({ id, number, runner: "r", instance: "i" });

async function run(
  fixture: CommandFixture,
  ...args: string[]
): Promise<[code: number, stdout: string, stderr: string]> {
  fixture.stdout = fixture.stderr = "";
  const code = await fixture.run("limit", ...args);
  return [code, fixture.stdout, fixture.stderr];
}

Deno.test("limit set says what it means, and stores the number", async () => {
  const fixture = new CommandFixture();
  assertEquals(await run(fixture, "set", "gpu", "2"), [0, "", "limit gpu: 2 jobs at the same time\n"]);
  assertEquals(await run(fixture, "set", "db/main", "1"), [0, "", "limit db/main: one job at a time\n"]);
  assertEquals(await run(fixture, "set", "runner:a b", "0"), [0, "", "limit runner:a b: no job starts\n"]);
  assertEquals(await run(fixture, "set", "gpu", "3", "--json"), [0, '{"key":"gpu","n":3}\n', ""]);
  const { stored } = fixture.redis.limits;
  assertEquals([...stored.values()].map(({ key, n }) => [key, n]), [["gpu", 3], ["db/main", 1], ["runner:a b", 0]]);
});

Deno.test("limit remove removes what was set, and refuses what was not", async () => {
  const fixture = new CommandFixture();
  for (const key of ["gpu", "runner:r"]) await run(fixture, "set", key, "2");
  assertEquals(await run(fixture, "remove", "gpu"), [0, "", "limit gpu: removed; one job at a time again\n"]);
  assertEquals(await run(fixture, "remove", "runner:r"), [0, "", "limit runner:r: removed; the queue has none now\n"]);
  const [code, , says] = await run(fixture, "remove", "gpu");
  assertEquals(code, 2);
  assert(
    says.includes('Cannot remove limit "gpu": it is not set; runner limit list shows those that are'),
    says,
  );
});

Deno.test("limit list shows who holds permits and who waits", async () => {
  const fixture = new CommandFixture();
  assertEquals(await run(fixture, "list"), [0, "", "runner: no limit is set or in use\n"]);
  const { limits } = fixture.redis;
  const holders = ["a", "b", "c"].map((id, i) => holder(id, i));
  limits.change("gpu", { n: 5, isSet: true, held: 5, holders, parked: 3, waiting: [{ id: "w\u001b", runner: "r" }] });
  limits.change("migrate", { held: 1, holders: [holder("m", 0)], parked: 1, waiting: [{ id: "x", runner: "r" }] });
  limits.change("batch:7", { n: 2, held: 1, holders: [holder("7.1", 0)] }); // its number stands in the jobs
  limits.change("runner:r", { n: 0, isSet: true, held: 2 });
  const [code, stdout] = await run(fixture, "list");
  assertEquals(code, 0);
  assertEquals(stdout.split("\n").map((line) => line.trimEnd()), [
    "LIMIT               N  HELD  BY                        WAITING",
    'gpu                 5     5  "a", "b", "c" and 2 more  "w\\u001b" and 2 more',
    'migrate   1 (default)     1  "m"                       "x"',
    'batch:7             2     1  "7.1"',
    "runner:r            0     2  jobs of that queue",
    "",
  ]);
  const [, json] = await run(fixture, "list", "--json");
  assertEquals(JSON.parse(json.split("\n")[1]), {
    ...{ key: "migrate", n: 1, set: false, held: 1, parked: 1 },
    holders: [holder("m", 0)],
    waiting: [{ id: "x", runner: "r" }],
  });
});

Deno.test("limit refuses what it cannot do in one sentence, and changes nothing", async () => {
  const cases: [args: string[], says: string][] = [
    [["frob"], 'Cannot do "frob" with limits: there are set, list, remove'],
    [["toString"], 'Cannot do "toString" with limits'],
    [["set", "gpu"], "Cannot run runner limit set: it needs a key and a number"],
    [["list", "gpu"], "Cannot run runner limit list: it needs no arguments"],
    [["remove"], "Cannot run runner limit remove: it needs a key"],
    [["set", "a b", "1"], 'Cannot use limit "a b": a key has up to 100 letters'],
    [["set", "batch:7", "1"], 'Cannot use limit "batch:7"'],
    [["set", "runner:", "1"], 'Cannot use runner name ""'],
    [["set", "gpu", "two"], 'Cannot set limit "gpu": "two" is no number'],
    [["set", "gpu", "1.5"], 'Cannot set limit "gpu": "1.5" is no number'],
    [["set", "gpu", "1000001"], 'Cannot set limit "gpu" to 1000001: it must be a whole number from 0 to 1000000'],
    [["remove", "a b"], 'Cannot use limit "a b"'],
  ];
  for (const [args, says] of cases) {
    const fixture = new CommandFixture();
    const [code, stdout, stderr] = await run(fixture, ...args);
    assertEquals([code, stdout], [2, ""], args.join(" "));
    assert(stderr.includes(says) && stderr.trim().split("\n").length <= 2, stderr);
    assertEquals(fixture.redis.limits.stored.size, 0);
  }
});

Deno.test("submit --limit names up to four limits, also for a line of --from and for a schedule", async () => {
  const fixture = new CommandFixture();
  assertEquals(await fixture.run("submit", "--limit", "gpu", "--limit", "db/main", "--limit", "gpu", "true"), 0);
  assertEquals(fixture.redis.submitted[0].limits, ["gpu", "db/main"]);
  const cases: [args: string[], says: string][] = [
    [["--limit", "runner:x", "true"], 'Cannot use limit "runner:x": a key has up to 100 letters'],
    [["abcde"].flatMap((all) => [...all].flatMap((key) => ["--limit", key])).concat("true"), "Cannot use 5 limits"],
  ];
  for (const [args, says] of cases) {
    const refused = new CommandFixture();
    assertEquals(await refused.run("submit", ...args), 2);
    assert(refused.stderr.includes(says), refused.stderr);
    assertEquals(refused.redis.submitted, []);
  }
  const lines = [{ payload: "true", limits: "gpu" }, { payload: "true", limits: ["a", "b"] }, { payload: "true" }];
  const many = new CommandFixture({ input: lines.map((line) => JSON.stringify(line)).join("\n") });
  assertEquals(await many.run("submit", "--from", "-", "--limit", "c"), 0, many.stderr);
  assertEquals(many.redis.submitted.map(({ limits }) => limits), [["gpu"], ["a", "b"], ["c"]]);
  const bad = new CommandFixture({ input: '{"payload":"true","limits":["x y"]}' });
  assertEquals(await bad.run("submit", "--from", "-"), 2);
  assert(bad.stderr.includes('line 1: Cannot use limit "x y"'), bad.stderr);
  assertEquals(await fixture.run("schedule", "add", "s", "@daily", "--limit", "gpu", "true"), 0, fixture.stderr);
  assertEquals(fixture.redis.schedules.stored.get("s")?.submission.limits, ["gpu"]);
});

Deno.test("status of a parked job says for which limit it waits, and who holds it", async () => {
  const fixture = new CommandFixture();
  const { redis } = fixture;
  redis.put("j", { status: "dispatched", runner: "test_runner" }, { limits: "gpu\ndisk", parked: "gpu\ntest_runner" });
  redis.instanceList = [anInstance({ runner: "test_runner" })];
  redis.limits.change("gpu", { n: 2, isSet: true, held: 2, holders: [holder("a", 0), holder("b", 1)] });
  assertEquals(await fixture.run("status", "j"), 0, fixture.stderr);
  assert(fixture.stdout.includes('waits for limit gpu: 2 of 2 held by "a", "b"'), fixture.stdout);
  assert(/limits +gpu disk/.test(fixture.stdout), fixture.stdout);
  fixture.stdout = "";
  assertEquals(await fixture.run("status", "j", "--json"), 0);
  const { limits, waits_for_limit } = JSON.parse(fixture.stdout);
  assertEquals([limits, waits_for_limit], [["gpu", "disk"], "gpu"]);
});
