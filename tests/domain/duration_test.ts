import { assertEquals, assertThrows } from "../support/assert.ts";
import { formatDuration, parseDuration } from "../../src/domain/duration.ts";
import { InvalidInputError } from "../../src/domain/errors.ts";

Deno.test("parseDuration() reads every form that is documented", () => {
  const cases: [string, number][] = [
    ["90", 90],
    ["90s", 90],
    ["5m", 300],
    ["2h", 7200],
    ["1d", 86400],
    ["1h30m", 5400],
    ["250ms", 0.25],
    ["0.5", 0.5],
    ["1.5h", 5400],
    ["0", 0],
  ];
  for (const [text, seconds] of cases) assertEquals(parseDuration(text), seconds, text);
});

Deno.test("parseDuration() refuses what is no duration and says what is", () => {
  for (const text of ["", "m", "5 m", "-5", "5x", "1h30", "NaN", "Infinity", "1e3", "5m!", " 5"]) {
    const error = assertThrows(() => parseDuration(text), InvalidInputError);
    assertEquals(error.message.includes("write for example"), true, text);
  }
});

Deno.test("formatDuration() writes two units at the most", () => {
  const cases: [number, string][] = [
    [0.35, "350ms"],
    [4.26, "4.2s"],
    [59.99, "59.9s"],
    [60, "1m"],
    [61, "1m1s"],
    [3599, "59m59s"],
    [3600, "1h"],
    [5400, "1h30m"],
    [86_400, "1d"],
    [183_600, "2d3h"],
  ];
  for (const [seconds, text] of cases) assertEquals(formatDuration(seconds), text);
});
