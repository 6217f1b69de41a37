import { readRange } from "../../src/cli/input/output_range.ts";
import { InvalidInputError } from "../../src/domain/errors.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";

Deno.test("readRange reads the ranges of RFC 9110, section 14.1.2", () => {
  assertEquals(readRange("0-499"), { offset: 0, end: 500 });
  assertEquals(readRange("7-7"), { offset: 7, end: 8 });
  assertEquals(readRange("9500-"), { offset: 9500 });
  assertEquals(readRange("-500"), { offset: -500 });
});

Deno.test("readRange refuses what is no range, with an example", () => {
  for (const text of ["", "-", "-0", "5", "5-4", "1-2,4-5", "bytes=0-1", " 0-1", "0-1.5", "a-b", "-5-9"]) {
    assertThrows(() => readRange(text), InvalidInputError, "write for example 0-499");
  }
});
