import { printable, printableLines, toJson } from "../../src/domain/printable.ts";
import { assert, assertEquals } from "../support/assert.ts";

/** What stands for a text in one line. */
const MARKED: readonly [string, string][] = [
  ["\0", "\\x00"],
  ["\b", "\\x08"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
  ["\x1f", "\\x1f"],
  ["\x7f", "\\x7f"],
  ["\x80", "\\x80"],
  ["\x9f", "\\x9f"],
  ["\xad", "\\xad"],
  ["\u034f", "\\u034f"],
  ["\u061c", "\\u061c"],
  ["\u200b", "\\u200b"],
  ["\u2028", "\\u2028"],
  ["\u2029", "\\u2029"],
  ["\u202a\u202e", "\\u202a\\u202e"],
  ["\u2066\u2069", "\\u2066\\u2069"],
  ["\u3164", "\\u3164"],
  ["\ufe00", "\\ufe00"],
  ["\ufeff", "\\ufeff"],
  ["\ufff9\ufffb", "\\ufff9\\ufffb"],
  ["\u{1d173}", "\\u{1d173}"],
  ["\u{e0067}", "\\u{e0067}"],
  // a joiner that no emoji is in front of
  ["\u200d", "\\u200d"],
  ["a\u200db", "a\\u200db"],
  ["a \u200d\u{1f525}", "a \\u200d\u{1f525}"],
];

/** Texts that a terminal only shows. */
const KEPT = [
  ...["", " ", "~", "\xa0", "\xff", "größe 工作", "e\u0301", "\u2010", "\u202f", "\u2070", "\ufffc", "\ufffd", "\\n"],
  ...["\u{1f680}", "\u2764\ufe0f", "\u2764\ufe0e", "1\ufe0f\u20e3"],
  // families, skin, and a heart with its variation
  ...["\u{1f469}\u200d\u{1f467}", "\u{1f469}\u{1f3fd}\u200d\u{1f4bb}", "\u2764\ufe0f\u200d\u{1f525}"],
];

Deno.test("printable marks what a terminal would obey or not show", () => {
  for (const [text, shown] of MARKED) assertEquals(printable(text), shown, JSON.stringify(shown));
});

Deno.test("printable leaves text and emoji as they are", () => {
  for (const text of KEPT) assertEquals(printable(text), text, JSON.stringify(text));
});

Deno.test("printable changes nothing in what it has made", () => {
  for (const [, shown] of MARKED) assertEquals(printable(shown), shown);
});

Deno.test("printableLines keeps line ends and tabs, and is printable for everything else", () => {
  for (const [text, shown] of MARKED) {
    assertEquals(printableLines(text), text === "\n" || text === "\t" ? text : shown, JSON.stringify(shown));
  }
  for (const text of KEPT) assertEquals(printableLines(text), text);
  assertEquals(printableLines("a\tb\r\nc\vd\n"), "a\tb\\r\nc\\x0bd\n");
});

Deno.test("toJson says the same in one line that printable would leave as it is", () => {
  for (const [text] of MARKED) {
    const value = { [text]: [text, 1, null] };
    const json = toJson(value);
    assertEquals(printable(json), json);
    assertEquals(JSON.parse(json), value, json);
  }
});

Deno.test("toJson writes escapes of four digits, two for a character above U+FFFF", () => {
  const cases: [unknown, string][] = [
    ["a\x7fb", '"a\\u007fb"'],
    ["\u202e", '"\\u202e"'],
    ["\u{e0067}", '"\\udb40\\udc67"'],
    ["\n\t\x1b", '"\\n\\t\\u001b"'],
    ["\ud800", '"\\ud800"'],
    [{ a: [1, null, "\u2764\ufe0f\u200d\u{1f525}"] }, '{"a":[1,null,"\u2764\ufe0f\u200d\u{1f525}"]}'],
  ];
  for (const [value, json] of cases) assertEquals(toJson(value), json);
});

Deno.test("printable marks what makes an emoji where there is none", () => {
  for (const text of ["a\ufe0f", "\ufe0f", "a\u200db"]) assert(printable(text) !== text, text);
  for (const text of ["1\ufe0f\u20e3", "\u{1f469}\u200d\u{1f680}", "\u2764\ufe0f"]) assertEquals(printable(text), text);
});
