import { assertEquals } from "../support/assert.ts";
import { until } from "../support/until.ts";
import { RESULT_PART } from "../../src/domain/limits.ts";
import { resultText, TRUNCATED_LINE } from "../../src/domain/output.ts";
import { CommandFixture, type CommandOptions } from "./command_fixture.ts";
import { unavailable } from "../support/unavailable.ts";

const encoder = new TextEncoder();

/** What is said in the end when bytes were missing. */
function rest(missing: number, total: number): string {
  const remedy =
    "for the whole output, while it is kept: runner logs j on the host of its runner, as its user and with its --spool";
  return `runner: ${missing} of ${total} bytes of output are missing above; ${remedy}\n`;
}

/** A fixture with job `j` that has written a text; `shown` of its bytes came to Redis while it ran. */
function ended(text: string, shown: { from?: number; to?: number } = {}, options: CommandOptions = {}): CommandFixture {
  const fixture = new CommandFixture(options);
  const bytes = encoder.encode(text);
  const small = bytes.length <= 2 * RESULT_PART;
  const result = resultText({
    total: bytes.length,
    head: small ? bytes : bytes.subarray(0, RESULT_PART),
    tail: small ? new Uint8Array() : bytes.subarray(-RESULT_PART),
    truncated: false,
  });
  fixture.redis.put("j", { status: "finished", result }, { attempt: "1", output_bytes: String(bytes.length) });
  const { from = 0, to = 0 } = shown;
  if (to > from) fixture.redis.append("j", from, bytes.subarray(from, to));
  return fixture;
}

Deno.test("logs shows the whole output of an ended job, wherever Redis has its parts", async () => {
  const short = "one\ntwo\ntri\n";
  // characters of three bytes, so that the borders of the result cut one in two
  const long = "工作\n".repeat(30_000);
  const bytes = encoder.encode(long).length;
  const cases: [string, { from?: number; to?: number }][] = [
    [short, {}],
    [short, { to: 5 }],
    [short, { from: 4, to: 8 }],
    [long, { to: bytes }],
    [long, { to: bytes - 14 }],
    [long, { from: 59_997, to: bytes - 700 }],
  ];
  for (const [text, shown] of cases) {
    const fixture = ended(text, shown);
    assertEquals([await fixture.run("logs", "j"), fixture.stderr], [0, ""], JSON.stringify(shown));
    assertEquals(fixture.stdout === text, true, JSON.stringify(shown));
  }
});

Deno.test("logs says how much is missing, where it is missing", async () => {
  const text = "0123456789".repeat(20_000);
  const head = text.slice(0, RESULT_PART);
  const tail = text.slice(-RESULT_PART);
  const fixture = ended(text);
  assertEquals(await fixture.run("logs", "j"), 0);
  assertEquals(fixture.stdout === head + tail, true);
  const missing = text.length - 2 * RESULT_PART;
  assertEquals(fixture.stderr, `\nrunner: ${missing} bytes of output are missing here\n${rest(missing, text.length)}`);
  const middle = ended(text, { from: 100_000, to: 100_010 });
  assertEquals(await middle.run("logs", "j"), 0);
  assertEquals(middle.stdout === head + text.slice(100_000, 100_010) + tail, true);
  const gaps = [100_000 - RESULT_PART, text.length - RESULT_PART - 100_010];
  assertEquals(
    middle.stderr,
    gaps.map((gap) => `\nrunner: ${gap} bytes of output are missing here\n`).join("") + rest(missing - 10, text.length),
  );
});

Deno.test("logs shows both ends of a long output that is no text", async () => {
  const fixture = new CommandFixture();
  const part = new Uint8Array(RESULT_PART).fill(0x61);
  part[7] = 0xff;
  const result = resultText({ total: 200_000, head: part, tail: part, truncated: true });
  fixture.redis.put("j", { status: "finished", result }, { attempt: "1", output_bytes: "200000" });
  assertEquals(await fixture.run("logs", "j"), 0);
  const text = new TextDecoder().decode(part);
  assertEquals(fixture.stdout === text + text + TRUNCATED_LINE, true);
  const missing = 200_000 - 2 * RESULT_PART;
  assertEquals(fixture.stderr, `\nrunner: ${missing} bytes of output are missing here\n${rest(missing, 200_000)}`);
});

Deno.test("logs shows what a running job has written so far, and says when there is nothing", async () => {
  const fixture = new CommandFixture();
  fixture.redis.put("j", { status: "started" }, { attempt: "1" });
  assertEquals([await fixture.run("logs", "j"), fixture.stdout, fixture.stderr], [0, "", "job j: no output yet\n"]);
  fixture.redis.append("j", 0, "half a li");
  fixture.stderr = "";
  assertEquals([await fixture.run("logs", "@"), fixture.stdout, fixture.stderr], [0, "half a li", ""]);
  const silent = ended("");
  assertEquals([await silent.run("logs", "j"), silent.stdout, silent.stderr], [0, "", "job j: no output\n"]);
  assertEquals(await fixture.run("logs", "nobody"), 4);
});

Deno.test("logs shows the newest attempt of a job", async () => {
  const fixture = new CommandFixture();
  fixture.redis.put("j", { status: "started" }, { attempt: "2" });
  fixture.redis.append("j", 0, "first\n", 1);
  fixture.redis.append("j", 0, "second\n", 2);
  assertEquals([await fixture.run("logs", "j"), fixture.stdout, fixture.stderr], [0, "second\n", ""]);
});

Deno.test("logs -n shows the last lines", async () => {
  const cases: [string, number, string][] = [
    ["a\nb\nc\n", 2, "b\nc\n"],
    ["a\nb\nc", 2, "b\nc"],
    ["a\nb\nc\n", 9, "a\nb\nc\n"],
    ["a\n\n\n", 2, "\n\n"],
    ["a\nb\n", 0, ""],
    ["\n", 1, "\n"],
  ];
  for (const [text, count, expected] of cases) {
    for (let cut = 0; cut <= text.length; cut++) {
      const fixture = ended(text, { to: cut });
      assertEquals(await fixture.run("logs", "-n", String(count), "j"), 0);
      assertEquals(
        [fixture.stdout, fixture.stderr],
        [expected, ""],
        `${JSON.stringify(text)} -n ${count}, cut at ${cut}`,
      );
    }
  }
});

Deno.test("logs -n leaves out what is missing further up", async () => {
  const fixture = new CommandFixture();
  fixture.redis.put("j", { status: "started" }, { attempt: "1" });
  fixture.redis.append("j", 100, "x\ny\n");
  assertEquals([await fixture.run("logs", "-n", "1", "j"), fixture.stdout, fixture.stderr], [0, "y\n", ""]);
});

/** Follows job `j`, which runs. */
async function follow(args: string[], options: CommandOptions = {}) {
  const fixture = new CommandFixture(options);
  fixture.redis.put("j", { status: "started" }, { attempt: "1" });
  fixture.redis.append("j", 0, "a\nb\n");
  const code = fixture.run("logs", "-f", ...args, "j");
  await until("somebody follows", () => fixture.redis.isWatched("j"));
  return { fixture, code };
}

Deno.test("logs -f goes on to the end of the job, and says how it ended", async () => {
  const { fixture, code } = await follow(["-n", "1"]);
  await until("the last line is there", () => fixture.stdout === "b\n");
  fixture.redis.append("j", 4, "c\n");
  await until("the next line is there", () => fixture.stdout === "b\nc\n");
  fixture.redis.change("j", { status: "error", error: "exited with code 3", result: "a\nb\nc\nd" }, {
    output_bytes: "7",
    exit: "3",
  });
  assertEquals([await code, fixture.stdout, fixture.stderr], [0, "b\nc\nd", "job j: exited with code 3\n"]);
});

Deno.test("logs -f goes on where it was when Redis comes back", async () => {
  const { fixture, code } = await follow([]);
  await until("it is shown", () => fixture.stdout === "a\nb\n");
  fixture.redis.readErrors.push(unavailable("gone"));
  fixture.redis.append("j", 4, "c\n");
  await until("the error was met", () => fixture.stderr !== "");
  fixture.redis.change("j", { status: "finished", result: "a\nb\nc\n" }, { output_bytes: "6" });
  assertEquals([await code, fixture.stdout], [0, "a\nb\nc\n"]);
  assertEquals(fixture.stderr, "runner: Redis cannot be reached; still waiting\n");
});

Deno.test("logs -f detaches at a signal, and ends when its reader goes away", async () => {
  const { fixture, code } = await follow([]);
  await until("it is shown", () => fixture.stdout === "a\nb\n");
  fixture.signal("SIGINT");
  assertEquals([await code, fixture.redis.cancelled], [130, []]);
  assertEquals(fixture.stderr, "\nrunner: detached; the job goes on; to stop: runner cancel j\n");
  const piped = await follow([], { writesUntilClosed: 1 });
  piped.fixture.redis.append("j", 4, "c\n");
  assertEquals([await piped.code, piped.fixture.stderr], [0, ""]);
});

Deno.test("logs keeps colours on a terminal, removes them from a pipe, and changes nothing with --raw", async () => {
  const text = "\x1b[31mred\x1b[0m\x1b]0;title\x07\n";
  const cases: [CommandOptions, string[], string][] = [
    [{}, [], "red\n"],
    [{ columns: 80 }, [], "\x1b[31mred\x1b[0m\n"],
    [{ columns: 80, env: { NO_COLOR: "1" } }, [], "red\n"],
    [{}, ["--color", "always"], "\x1b[31mred\x1b[0m\n"],
    [{}, ["--raw"], text],
    [{ columns: 80 }, ["--raw"], text],
  ];
  for (const [options, args, expected] of cases) {
    const fixture = ended(text, { to: 3 }, options);
    assertEquals([await fixture.run("logs", ...args, "j"), fixture.stdout], [0, expected], JSON.stringify(args));
  }
});

Deno.test("logs --json writes an object a line, with its place in the output", async () => {
  const fixture = new CommandFixture();
  fixture.redis.put("j", { status: "finished" }, { attempt: "2", output_bytes: "32" });
  fixture.redis.append("j", 0, "\x1b[1mone\x1b[0m\ntw", 2);
  fixture.redis.append("j", 14, "o\n", 2);
  fixture.redis.append("j", 20, "größe\nlast", 2);
  assertEquals(await fixture.run("logs", "--json", "j"), 0);
  assertEquals(
    fixture.stdout.trimEnd().split("\n").map((line) => JSON.parse(line)),
    [
      { attempt: 2, offset: 0, line: "one" },
      { attempt: 2, offset: 12, line: "two" },
      { attempt: 2, offset: 16, missing: 4 },
      { attempt: 2, offset: 20, line: "größe" },
      { attempt: 2, offset: 28, line: "last" },
    ].slice(0, 4).concat([{ attempt: 2, offset: 28, line: "last" }]),
  );
});
