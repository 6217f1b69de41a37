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
});

Deno.test("readCsv refuses open quotes and lines of another length", () => {
  assertThrows(() => readCsv('a\n"x', "Cannot read"), InvalidInputError, "Cannot read: a double quote in line 2");
  assertThrows(() => readCsv('a\n"x"y', "Cannot read"), InvalidInputError, "is not closed or not doubled");
  assertThrows(
    () => readCsv("a,b\n1", "Cannot read"),
    InvalidInputError,
    "line 2 has 1 values, and the first one has 2",
  );
});
