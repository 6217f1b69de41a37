import { csvLine, readCsv } from "../../src/domain/csv.ts";
import { InvalidInputError } from "../../src/domain/errors.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";

Deno.test("readCsv reads what csvLine writes, whatever is in the values", () => {
  const rows = [["a", "b"], ["1,2", 'say "x"'], ["two\r\nlines", " "], ["", "\u00e9"]];
  assertEquals(readCsv(rows.map(csvLine).join(""), "Cannot read"), rows);
});

Deno.test("readCsv skips empty lines and a byte order mark, and needs no line end", () => {
  assertEquals(readCsv("\ufeffa,b\n\n1,\n3,4", "Cannot read"), [["a", "b"], ["1", ""], ["3", "4"]]);
  assertEquals(readCsv("", "Cannot read"), []);
  assertEquals(readCsv("a\r1\r", "Cannot read"), [["a"], ["1"]]);
});

Deno.test("readCsv reads an empty value in quotes, which is no empty line", () => {
  assertEquals(readCsv('a\n""\n\nx\n', "Cannot read"), [["a"], [""], ["x"]]);
});

Deno.test("readCsv reads a value of any length, and finds the end of a long text in which a quote is open", () => {
  const long = "x".repeat(20_000_000);
  assertEquals(readCsv(`a\n"${long}"\n`, "Cannot read")[1][0].length, long.length);
  assertThrows(() => readCsv(`a\n"${long}`, "Cannot read"), InvalidInputError, "a double quote in line 2");
});

Deno.test("readCsv refuses open quotes and lines of another length", () => {
  assertThrows(() => readCsv('a\n"x', "Cannot read"), InvalidInputError, "Cannot read: a double quote in line 2");
  assertThrows(() => readCsv('a\n"x"y', "Cannot read"), InvalidInputError, "is not closed or not doubled");
  assertThrows(
    () => readCsv("a,b\n1", "Cannot read"),
    InvalidInputError,
    "line 2 has 1 values, and the first one has 2",
  );
  // as an editor counts them
  assertThrows(() => readCsv("\n\na\n\n1,2", "Cannot read"), InvalidInputError, "line 5 has 2 values");
});
