import { readJson } from "../../src/domain/json_text.ts";
import { InvalidInputError } from "../../src/domain/errors.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";

Deno.test("readJson reads every kind of JSON value", () => {
  const rows: [string, unknown][] = [
    ["null", null],
    [" 7 ", 7],
    ['"\\u00e4"', "ä"],
    ['[1,{"a":[]}]', [1, { a: [] }]],
  ];
  for (const [text, value] of rows) assertEquals(readJson(text, "Cannot read x"), value);
});

Deno.test("readJson names the place of a fault when the engine does", () => {
  const { message } = assertThrows(() => readJson('{\n "a": 1,\n}', "Cannot read x"), InvalidInputError);
  assertEquals(message, "Cannot read x: it is no JSON, see line 3, column 1");
});

Deno.test("readJson never quotes the text around a fault", () => {
  for (const text of ["hunter2", '{"a": hunter2}', '{"a": "hunter2\n"}', '{"a": "hunter2', '{"a": 1} hunter2', ""]) {
    const { message } = assertThrows(() => readJson(text, 'Cannot read file "x"'), InvalidInputError);
    const [begin, place = ""] = message.split(", see ");
    assertEquals(begin, 'Cannot read file "x": it is no JSON', text);
    assertEquals(place.replace(/^line \d+, column \d+$/, ""), "", text);
  }
});
