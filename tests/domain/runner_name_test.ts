import { InvalidInputError } from "../../src/domain/errors.ts";
import { readRunnerName } from "../../src/domain/runner_name.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";

Deno.test("readRunnerName gives back any visible name of 1 to 200 characters", () => {
  for (
    const name of [
      "b",
      "test_runner",
      "a:b/c d",
      "@x",
      "größe 工作",
      "\u{1f680}",
      "x".repeat(200),
      "ü".repeat(200),
      "\u{1f680}".repeat(200),
    ]
  ) {
    assertEquals(readRunnerName(name), name);
  }
});

Deno.test("readRunnerName refuses a name, quotes it and says what a name is", () => {
  const long = "x".repeat(201);
  const cases: [string, string][] = [
    ["", '""'],
    ["a\n", '"a\\n"'],
    ["\t", '"\\t"'],
    ["a\0", '"a\\u0000"'],
    ["\x1b[2J", '"\\u001b[2J"'],
    ["a\u200bb", '"a\u200bb"'],
    ["\u202ea", '"\u202ea"'],
    [long, `"${long}"`],
    ["\u{1f680}".repeat(201), `"${"\u{1f680}".repeat(201)}"`],
    // Redis would hold it as another name
    ["a\ud800", '"a\\ud800"'],
  ];
  for (const [name, quoted] of cases) {
    const { message } = assertThrows(() => readRunnerName(name), InvalidInputError);
    const rule = "a name has 1 to 200 characters and no control or invisible characters";
    assertEquals(message, `Cannot use runner name ${quoted}: ${rule}`);
  }
});
