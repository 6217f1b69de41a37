import { assert, assertEquals } from "../support/assert.ts";
import { COMMANDS } from "../../src/cli/commands.ts";
import { flagOf, type OptionRow } from "../../src/settings/option_row.ts";
import { VERSION } from "../../src/compose/version.ts";
import { RefusedError, SetupError, UnavailableError } from "../../src/domain/errors.ts";
import { anInstance } from "./fake_store.ts";
import { CommandFixture } from "./command_fixture.ts";
import { assertGolden } from "./golden.ts";

async function shown(...args: string[]): Promise<string> {
  const fixture = new CommandFixture();
  assertEquals([await fixture.run(...args), fixture.stderr, fixture.opened.length], [0, "", 0], args.join(" "));
  return fixture.stdout;
}

Deno.test("runner alone shows the help of the whole program", async () => {
  const text = await shown();
  await assertGolden("help", text);
  for (const args of [["help"], ["-h"], ["--help"], ["--json", "-h"]]) assertEquals(await shown(...args), text);
});

for (const name of Object.keys(COMMANDS)) {
  Deno.test(`runner ${name} --help shows everything about ${name}`, async () => {
    const text = await shown(name, "--help");
    await assertGolden(`help_${name}`, text);
    assertEquals(await shown("help", name), text);
    assertEquals(await shown("--help", name, "--bogus"), text);
  });

  Deno.test(`runner ${name} -h names every option that is not hidden`, async () => {
    const { rows } = await COMMANDS[name]();
    const text = await shown(name, "-h");
    for (const [key, row] of Object.entries(rows as Record<string, OptionRow>)) {
      const listed = text.includes(`${flagOf(key)} `) || text.includes(`${flagOf(key)}\n`);
      assertEquals(listed, !row.hidden, `${flagOf(key)}`);
    }
    assert(text.split("\n").every((line) => line.length <= 100), "a line is too long");
  });

  Deno.test(`runner ${name} has examples that its own parser accepts`, async () => {
    const { examples } = await COMMANDS[name]();
    for (const { command } of examples) {
      const words = await shellWords(command);
      const columns = ["attach", "cancel", "retry"].includes(name) ? 100 : undefined;
      const fixture = new CommandFixture({ files: { "build.sh": "true", "jobs.jsonl": "" }, input: "x", columns });
      fixture.redis.put("3f2a", { status: "finished", runner: "build" });
      const created_at = new Date(fixture.redis.nowMs).toISOString();
      fixture.redis.put("77b1", { status: "finished", runner: "build", created_at }, { "label:nightly": "" });
      fixture.redis.batches.records.set("grid", { size: "0", stored: "0", closed: "1", params: '["lr","seed"]' });
      fixture.redis.queueList = [{ runner: "build", queued: 0, delayed: 0, parked: 0, paused: false }];
      if (["attach", "send", "screen"].includes(name)) putTerminals(fixture);
      if (words.includes("--follow") || words.includes("--wait") || name === "run") words.splice(1, 0, "--help");
      assertEquals(await fixture.run(...words.slice(1)), 0, `${command}: ${fixture.stderr}`);
    }
  });
}

/** Lets the job `3f2a` run on this host, with a terminal. */
function putTerminals(fixture: CommandFixture): void {
  fixture.redis.put("3f2a", { status: "started", runner: "build" }, { token: "1.n", instance: "inst-1" });
  fixture.redis.instanceList = [anInstance()];
  fixture.places.set("3f2a 1.n", "here");
  const screen = { lines: ["x"], cursor: { column: 0, row: 0 }, columns: 80, rows: 24, title: "" };
  fixture.redis.request = (_job, { type }) =>
    Promise.resolve(
      type === "type" ? { type: "typed" } : type === "screen" ? { type, screen } : { type: "place", place: "$1" },
    );
}

/** Words of an example as a shell sees them, without the variables in front. */
async function shellWords(command: string): Promise<string[]> {
  const bare = command.replace(/^([A-Z_]+=\S+ )+/, "");
  const { stdout } = await new Deno.Command("sh", { args: ["-c", `printf '%s\\0' ${bare}`] }).output();
  return new TextDecoder().decode(stdout).split("\0").slice(0, -1);
}

Deno.test("help of a command that is not there names the nearest one", async () => {
  const fixture = new CommandFixture();
  assertEquals(await fixture.run("help", "stauts"), 2);
  assertEquals(
    fixture.stderr,
    'runner: Cannot show help of "stauts": there is no such command, perhaps you mean status; see runner help --help\n',
  );
});

Deno.test("an unknown command is named, with the nearest one", async () => {
  const fixture = new CommandFixture();
  assertEquals(await fixture.run("stauts"), 2);
  assertEquals(
    fixture.stderr,
    'runner: Cannot run command "stauts": there is no such command, perhaps you mean status; see runner --help\n',
  );
  assertEquals(await fixture.run("toString"), 2);
  assertEquals(await fixture.run("--bogus"), 2);
});

Deno.test("a runner that Redis refuses ends with a code of its own", async () => {
  const cases: [Error, string, number][] = [
    [new RefusedError("Cannot run PING: wrong password"), "run", 78],
    [new RefusedError("Cannot run PING: wrong password"), "status", 69],
    [new UnavailableError("Cannot run PING: gone"), "run", 69],
    [new SetupError("Cannot start: another runner holds the spool"), "run", 1],
    [new Error("odd"), "status", 1],
  ];
  for (const [error, command, code] of cases) {
    const fixture = new CommandFixture();
    fixture.openError = error;
    fixture.openRunner = () => Promise.reject(error);
    assertEquals([await fixture.run(command), fixture.stderr], [code, `runner: ${error.message}\n`]);
  }
});

Deno.test("version says what deno.json says", async () => {
  const { version } = JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url)));
  assertEquals(VERSION, version);
  for (const args of [["version"], ["--version"]]) assertEquals(await shown(...args), `runner ${version}\n`);
  assertEquals(JSON.parse(await shown("version", "--json")), { version });
});

Deno.test("commands refuse arguments that they do not accept", async () => {
  const cases: [string[], string][] = [
    [["version", "x"], 'Cannot use "x": runner version takes no arguments; see runner version --help'],
    [["version", "--", "x"], 'Cannot use "x": runner version takes no arguments; see runner version --help'],
    [
      ["cancel"],
      "Cannot run runner cancel: it needs ids of jobs, or options that filter jobs; see runner cancel --help",
    ],
    [["help", "a", "b"], 'Cannot use "b": runner help takes the name of one command; see runner help --help'],
  ];
  for (const [args, message] of cases) {
    const fixture = new CommandFixture();
    assertEquals([await fixture.run(...args), fixture.stderr], [2, `runner: ${message}\n`]);
  }
});
