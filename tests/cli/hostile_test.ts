import { assert, assertEquals } from "../support/assert.ts";
import { until } from "../support/until.ts";
import { anInstance } from "./fake_store.ts";
import { CommandFixture, type CommandOptions } from "./command_fixture.ts";

/**
 * Text that makes a terminal do something: 7-bit and 8-bit sequences, ENQ, SO, SI, an overwritten line, reordered text.
 */
const EVIL = "x\x1b[2J\u009b5n\x05\x0e\x0f\r\u202e\u200b\u{e0041}\x1b]52;c;eA==\x07y";
/** An id that a shell would run. */
const ID = `a;$(touch x)'${EVIL}`;

/** A namespace in which another program has written nothing but such text. */
function hostileWorld(options: CommandOptions = { columns: 120 }): CommandFixture {
  const fixture = new CommandFixture(options);
  const { redis } = fixture;
  const host = EVIL;
  redis.instanceList = [
    anInstance({ runner: EVIL, instance: "i1", host, version: EVIL, access: { kind: "tmux", socket: EVIL } }),
    anInstance({ instance: "i2", host, access: { kind: "tmux", socket: "../../../tmp/evil" } }),
  ];
  redis.queueList = [{ runner: EVIL, queued: 1, delayed: 0, parked: 0, paused: true }];
  redis.deadLetterList = [{ id: EVIL, reason: EVIL, ms: 0 }];
  const text = { title: EVIL, cwd: EVIL, "label:a": EVIL, [`after:${EVIL}`]: "finished" };
  const fields = {
    ...{ payload: EVIL, runner: EVIL, executor: EVIL, error: EVIL, result: EVIL, caller_id: EVIL, context_id: EVIL },
    env_vars: JSON.stringify({ [EVIL]: "" }),
  };
  const asks = { input_ms: "1", input_line: EVIL, started_ms: "1", token: "1.n", attempt: "1" };
  redis.put(`${ID}0`, { ...fields, status: EVIL }, text);
  redis.put(`${ID}1`, { ...fields, status: "error" }, { ...text, exit: "1", ended_ms: "1" });
  redis.put(`${ID}2`, { ...fields, status: "started" }, { ...text, ...asks, instance: "i1" });
  redis.happen({ id: ID, event: EVIL, state: EVIL, runner: EVIL });
  redis.answer = {
    type: "screen",
    screen: { lines: [EVIL], cursor: { column: 0, row: 0 }, columns: 9, rows: 9, title: EVIL },
  };
  return fixture;
}

const COMMANDS: string[][] = [
  ["status"],
  ...["0", "1", "2"].map((n) => ["status", ID + n]),
  ["status", "--columns", "id,status,runner,executor,caller,context,labels,error,text,host"],
  ["events"],
  ["screen", `${ID}2`],
  ["logs", `${ID}1`],
  ["logs", "--follow", `${ID}1`],
  ["send", `${ID}0`, "x"],
  ["send", `${ID}1`, "x"],
  ["attach", `${ID}0`],
  ["attach", `${ID}1`],
  ["attach", `${ID}2`],
  ["wait", `${ID}1`],
  ["cancel", `${ID}2`],
  ["cancel", "@"],
  ["retry", `${ID}2`],
  ["retry", `${ID}1`],
  ["pause", "--name", "no such name"],
  ["status", ID],
  ["status", `nobody ${EVIL}`],
  ["submit", "--id", `${ID}2`, "true"],
  ["submit", "--id", "a\u0085b", "true"],
  ["submit", "--id", "new", "--name", "nobody\u202e", "true"],
  ["doctor"],
  ["config"],
];

// deno-lint-ignore no-control-regex
const SHOWN = /^(?:\x1b\[[0-9;:]*m|\n|[^\p{Cc}\p{Zl}\p{Zp}\u200b\u202e\u{e0041}])*$/u;

Deno.test("no command sends to a terminal what another program wrote for it to obey", async () => {
  for (const args of COMMANDS) {
    for (const color of ["always", "never"]) {
      const fixture = hostileWorld();
      await fixture.run(...args, "--color", color);
      const text = fixture.stdout + fixture.stderr;
      assert(text !== "", args.join(" "));
      assert(SHOWN.test(text), JSON.stringify([args, text]));
    }
  }
});

Deno.test("JSON on a terminal says exactly what is there, without a character that it would obey", async () => {
  for (
    const [args, of] of [
      [["status", `${ID}2`], (json: Record<string, unknown>) => [json.id, json.payload]],
      [["events"], (json: Record<string, unknown>) => [json.id, json.event]],
      [["screen", `${ID}2`], (json: Record<string, unknown>) => [json.id, json.title]],
    ] as const
  ) {
    const fixture = hostileWorld();
    await fixture.run(...args, "--json");
    assert(SHOWN.test(fixture.stdout), JSON.stringify(fixture.stdout));
    assertEquals(of(JSON.parse(fixture.stdout)), [args[0] === "events" ? ID : `${ID}2`, EVIL]);
  }
});

Deno.test("submit --follow shows a terminal text and colours only, and a program each byte", async () => {
  const text = "a\x05\x0e\u009b5n\x1b[31mred\x1b[6n\x1b]0;t\x07\u202e\rb\r\n";
  const cases: [CommandOptions, string][] = [
    [{ columns: 80 }, "a\x1b[31mred\\u202e\nb\n\x1b[0m"],
    [{ columns: 80, env: { NO_COLOR: "1" } }, "ared\\u202e\nb\n"],
    [{}, text],
  ];
  for (const [options, want] of cases) {
    const fixture = new CommandFixture(options);
    const code = fixture.run("submit", "--follow", "--id", "j", "true");
    await until("the client follows", () => fixture.redis.isWatched("j"));
    const bytes = new TextEncoder().encode(text);
    // every cut within a sequence or a character
    for (const [at, byte] of bytes.entries()) fixture.redis.append("j", at, Uint8Array.of(byte));
    fixture.redis.change("j", { status: "finished" }, { attempt: "1", output_bytes: String(bytes.length) });
    assertEquals([await code, fixture.stdout], [0, want]);
  }
});

Deno.test("a command to paste holds no free text of another program", async () => {
  for (const args of COMMANDS) {
    const fixture = hostileWorld();
    fixture.redis.put("plain; touch x", { status: "error" });
    await fixture.run(...args);
    for (const line of (fixture.stdout + fixture.stderr).split("\n")) {
      for (const [, word] of line.matchAll(/runner (?:logs|status|cancel|attach --ssh|send) (\S+)/g)) {
        assert(!word.startsWith("a;"), line);
      }
      assert(!/^attach .*(?:touch|\.\.|evil)/.test(line), line);
    }
  }
  const fixture = hostileWorld();
  fixture.redis.put("a; touch x", { status: "error" });
  assertEquals(await fixture.run("send", "a; touch x", "yes"), 1);
  assert(fixture.stderr.includes("runner logs 'a; touch x'\n"), fixture.stderr);
});
