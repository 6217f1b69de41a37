import { assert, assertEquals } from "../support/assert.ts";
import { quoteCommand } from "../../src/domain/shell_words.ts";
import { suggest } from "../../src/settings/suggest.ts";
import { table } from "../../src/cli/view/table.ts";
import { firstLine, fit, printable, printableLines, toJson } from "../../src/cli/view/text.ts";

Deno.test("printable() shows control characters instead of sending them", () => {
  assertEquals(printable("a\x1b[31mb\x07\n\u009b1m\u202e"), "a\\x1b[31mb\\x07\\n\\x9b1m\\u202e");
  assertEquals(printable("größe 工作 🚀"), "größe 工作 🚀");
  assertEquals(printableLines("a\tb\n\x1b[2J"), "a\tb\n\\x1b[2J");
});

Deno.test("toJson() holds no control character, and says the same", () => {
  const value = { text: "a\x1b\x7f\u009b\u202e\n" };
  const json = toJson(value);
  // deno-lint-ignore no-control-regex
  assert(!/[\u0000-\u001f\u007f-\u009f\u202e]/.test(json), json);
  assertEquals(JSON.parse(json), value);
});

Deno.test("firstLine() says when more follows", () => {
  assertEquals(firstLine("\n  one\ntwo"), "one …");
  assertEquals(firstLine("one\n"), "one");
});

Deno.test("fit() counts columns, not characters", () => {
  assertEquals(fit("工作工作", 5), "工作…");
  assertEquals(fit("abc", 3), "abc");
  assertEquals(fit("abcd", 3), "ab…");
});

Deno.test("suggest() finds typing errors and begins of words, and nothing far away", () => {
  const words = ["submit", "status", "cancel", "wait"];
  assertEquals(suggest("sumbit", words), "submit");
  assertEquals(suggest("stat", words), "status");
  assertEquals(suggest("cancle", words), "cancel");
  assertEquals(suggest("frobnicate", words), null);
});

const COLUMNS = [
  { title: "ID", value: (row: string[]) => row[0], flexible: true },
  { title: "N", value: (row: string[]) => row[1], right: true },
  { title: "EMPTY", value: () => "" },
  { title: "TEXT", value: (row: string[]) => row[2], flexible: true },
];
const ROWS = [["0123456789abcdef", "1", "a long text of many words"], ["b", "22", "c\nd"]];

Deno.test("table() fits a terminal and leaves out empty columns", () => {
  assertEquals(
    table(ROWS, COLUMNS, { room: 30, color: false }),
    "ID             N  TEXT\n" +
      "0123456789a…   1  a long text…\n" +
      "b             22  c\\nd\n",
  );
});

Deno.test("table() cuts nothing and leaves out nothing in a pipe", () => {
  assertEquals(
    table(ROWS, COLUMNS, { room: null, color: false }),
    "ID                 N  EMPTY  TEXT\n" +
      "0123456789abcdef   1         a long text of many words\n" +
      "b                 22         c\\nd\n",
  );
});

Deno.test("quoteCommand() gives back exactly the words when a shell reads it", async () => {
  const words = [
    "",
    " ",
    "a b",
    "it's",
    '"',
    "$HOME",
    "`x`",
    "\\",
    "*",
    "~",
    "-n",
    "a=b",
    "=x",
    "\n",
    "é工",
    "#x",
    "a\tb",
    "!",
    "&;|<>",
  ];
  const { stdout } = await new Deno.Command("sh", {
    args: ["-c", quoteCommand(["printf", "%s\\0", ...words])],
  }).output();
  assertEquals(new TextDecoder().decode(stdout).split("\0").slice(0, -1), words);
});

Deno.test("quoteCommand() keeps a first word a program", () => {
  assertEquals(quoteCommand(["if", "x"]), "'if' x");
  assertEquals(quoteCommand(["A=b", "c=d"]), "'A=b' c=d");
  assertEquals(quoteCommand(["make", "-j4", "all"]), "make -j4 all");
});
