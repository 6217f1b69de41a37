import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { findCommand, parseCommandLine } from "../../src/cli/input/args.ts";
import type { OptionRows } from "../../src/settings/option_row.ts";
import { InvalidInputError } from "../../src/domain/errors.ts";

const ROWS = {
  name: { type: "string", short: "n", value: "NAME", help: "" },
  redisUrl: { type: "string", short: "r", aliases: ["redis_url"], help: "" },
  timeout: { type: "duration", short: "t", help: "" },
  env: { type: "list", help: "" },
  from: { type: "string", help: "" },
  wait: { type: "flag", short: "w", help: "" },
  heartbeat: { type: "duration", hidden: true, help: "" },
} as const satisfies OptionRows;

function parse(...args: string[]) {
  const { typed, positionals, rest } = parseCommandLine(args, ROWS);
  const options: Record<string, unknown> = Object.fromEntries(
    [...typed].map(([key, { texts }]) => [key, texts.length > 1 ? texts : texts[0] ?? true]),
  );
  return { options, positionals, rest };
}

const NONE = { positionals: [], rest: null };

Deno.test("parseCommandLine() accepts every spelling of an option", () => {
  for (
    const args of [["--redis-url", "h:1"], ["--redis-url=h:1"], ["--redis_url", "h:1"], ["-r", "h:1"], ["-rh:1"], [
      "-r=h:1",
    ]]
  ) {
    assertEquals(parse(...args), { options: { redisUrl: "h:1" }, ...NONE }, args.join(" "));
  }
});

Deno.test("parseCommandLine() gives values as they were typed when they resemble something else", () => {
  const cases: [string[], Record<string, unknown>][] = [
    [["-t90s"], { timeout: "90s" }],
    [["-t", "1h30m"], { timeout: "1h30m" }],
    [["--timeout", "90"], { timeout: "90" }],
    [["--from", "-"], { from: "-" }],
    [["--name", ""], { name: "" }],
    [["--name="], { name: "" }],
    [["--name=-x"], { name: "-x" }],
    [["--name=a=b"], { name: "a=b" }],
    [["--name", "true"], { name: "true" }],
    [["--name", "007"], { name: "007" }],
    [["--name", "a\nb"], { name: "a\nb" }],
    [["--env", "A=1", "--env=B=2"], { env: ["A=1", "B=2"] }],
  ];
  for (const [args, options] of cases) assertEquals(parse(...args), { options, ...NONE }, args.join(" "));
});

Deno.test("parseCommandLine() leaves arguments alone that only resemble values of a flag", () => {
  assertEquals(parse("--wait", "true"), { options: { wait: true }, positionals: ["true"], rest: null });
  assertEquals(parse("-w", "false"), { options: { wait: true }, positionals: ["false"], rest: null });
  assertEquals(parse("12", "-", ""), { options: {}, positionals: ["12", "-", ""], rest: null });
});

Deno.test("parseCommandLine() ends at --, also when options of the same name follow", () => {
  assertEquals(parse("-w", "--", "ls", "--name", "-n", "--"), {
    options: { wait: true },
    positionals: [],
    rest: ["ls", "--name", "-n", "--"],
  });
  assertEquals(parse("--"), { options: {}, positionals: [], rest: [] });
});

Deno.test("parseCommandLine() remembers how an option was spelled", () => {
  assertEquals(parseCommandLine(["-n", "x"], ROWS).typed.get("name"), { spelled: "-n", texts: ["x"] });
});

Deno.test("parseCommandLine() refuses what it does not understand, in a sentence", () => {
  const cases: [string[], string][] = [
    [["--wiat"], 'Cannot use "--wiat": there is no such option, perhaps you mean --wait'],
    [["--redis"], 'Cannot use "--redis": there is no such option, perhaps you mean --redis-url'],
    [["--xyzzy=secret"], 'Cannot use "--xyzzy": there is no such option'],
    [["-x"], 'Cannot use "-x": there is no such option'],
    [["--no-wait"], 'Cannot use "--no-wait": there is no such option'],
    [["--no-wait=true"], 'Cannot use "--no-wait": there is no such option'],
    [["--env.A=1"], 'Cannot use "--env.A": there is no such option'],
    [["--_=1"], 'Cannot use "--_": there is no such option'],
    [["--__proto__=1"], 'Cannot use "--__proto__": there is no such option'],
    [["--beet", "1s"], 'Cannot use "--beet": there is no such option'],
    [["--name"], 'Cannot use --name: its NAME is missing; write --name=VALUE for one that begins with "-"'],
    [["-n", "--wait"], 'Cannot use -n: its NAME is missing; write --name=VALUE for one that begins with "-"'],
    [
      ["--timeout", "-5"],
      'Cannot use --timeout: its value is missing; write --timeout=VALUE for one that begins with "-"',
    ],
    [["--name", "a", "-n", "b"], "Cannot use -n twice: --name takes one value"],
    [["-w", "--wait"], "Cannot use --wait twice: --wait takes one value"],
    [["--wait=yes"], "Cannot use --wait with a value: it takes none"],
    [["-wx"], "Cannot use -w with a value: it takes none"],
  ];
  for (const [args, message] of cases) {
    const error = assertThrows(() => parse(...args), InvalidInputError);
    assertEquals(error.message, message);
  }
});

Deno.test("findCommand() finds the first word that is no value of an option", () => {
  assertEquals(findCommand(["-n", "x", "status", "-w"], ROWS), { name: "status", args: ["-n", "x", "-w"] });
  assertEquals(findCommand(["--name=x", "-w", "status"], ROWS), { name: "status", args: ["--name=x", "-w"] });
  assertEquals(findCommand(["-w"], ROWS), { name: null, args: ["-w"] });
  assertEquals(findCommand(["--", "status"], ROWS).name, null);
  assert(findCommand([], ROWS).name === null);
});
