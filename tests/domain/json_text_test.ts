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

Deno.test("readJson counts lines and characters of a place as an editor does", () => {
  const rows: [string, string][] = [
    ['{"a": "\\q"}', "line 1, column 9"],
    ['{"ä": "\\q"}', "line 1, column 9"],
    ['{"😀": "\\q"}', "line 1, column 9"],
    ['{\n "😀": 1,\n "😀😀": "\\q"}', "line 3, column 10"],
    ['{\r\n "a": 1,\r\n}', "line 3, column 1"],
    ['{\r "a": 1,\r}', "line 3, column 1"],
    ['{\n\r "a": 1,}', "line 3, column 9"],
    // a character that ends no line of an editor
    ['{"\u2028": 1,}', "line 1, column 9"],
    ['{"a": 1} x', "line 1, column 10"],
    ["{", "line 1, column 2"],
  ];
  for (const [text, place] of rows) {
    const { message } = assertThrows(() => readJson(text, "Cannot read x"), InvalidInputError);
    assertEquals(message, `Cannot read x: it is no JSON, see ${place}`, JSON.stringify(text));
  }
});

Deno.test("readJson reads no place from the text, and names none when the engine does not", () => {
  const texts = [
    "",
    "\n",
    "x line 3 column 4",
    "x at position 7",
    "x at position 7 (line 3 column 4)",
    '{"a": line 5 column 6}',
  ];
  for (const text of texts) {
    const { message } = assertThrows(() => readJson(text, "Cannot read x"), InvalidInputError);
    assertEquals(message, "Cannot read x: it is no JSON", text);
  }
});

Deno.test("readJson never quotes the text around a fault", () => {
  for (const text of ["hunter2", '{"a": hunter2}', '{"a": "hunter2\n"}', '{"a": "hunter2', '{"a": 1} hunter2', ""]) {
    const { message } = assertThrows(() => readJson(text, 'Cannot read file "x"'), InvalidInputError);
    const [begin, place = ""] = message.split(", see ");
    assertEquals(begin, 'Cannot read file "x": it is no JSON', text);
    assertEquals(place.replace(/^line \d+, column \d+$/, ""), "", text);
  }
});
