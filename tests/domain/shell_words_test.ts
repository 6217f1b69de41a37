import { pasteWord, quoteCommand, quoteWord } from "../../src/domain/shell_words.ts";
import { assertEquals } from "../support/assert.ts";

Deno.test("quoteWord leaves a word that every shell reads as it is", () => {
  for (const word of ["a", "0", "_", "-n", "--", "a=b", "A=", "/srv/a.b", "a,b:c@d%e+f", "7"]) {
    assertEquals(quoteWord(word), word);
  }
});

Deno.test("quoteWord quotes what a shell could read as something else", () => {
  const words = [
    ...["", " ", "a b", "a\tb", "a\n", "~", "~/a", "a:~", "$HOME", "`x`", "\\", '"', "*", "?", "[a]", "{a,b}"],
    ...["!", "a!b", "#a", "a;b", "a&b", "a|b", "<a", ">a", "(a)", "=", "=a", "^a", "é"],
  ];
  for (const word of words) assertEquals(quoteWord(word), `'${word}'`);
});

Deno.test("quoteWord writes an apostrophe outside of the quotes", () => {
  const cases: [string, string][] = [
    ["'", `''\\'''`],
    ["it's", `'it'\\''s'`],
    ["''", `''\\'''\\'''`],
  ];
  for (const [word, quoted] of cases) assertEquals(quoteWord(word), quoted);
});

Deno.test("pasteWord quotes a word that is what it seems to be, else it gives the name", () => {
  const cases: [string, string][] = [
    ["7", "7"],
    ["a b", "'a b'"],
    ["", "''"],
    ["größe", "'größe'"],
    ["a-b", "a-b"],
    ["-", "ID"],
    ["-rf", "ID"],
    ["a\nb", "ID"],
    ["a\x1b[2J", "ID"],
    ["a\u202eb", "ID"],
    ["a\u200b", "ID"],
  ];
  for (const [word, shown] of cases) assertEquals(pasteWord(word, "ID"), shown, JSON.stringify(word));
});

Deno.test("quoteCommand joins quoted words, and is empty without any", () => {
  const cases: [string[], string][] = [
    [[], ""],
    [[""], "''"],
    [["echo", "", "a b", "it's"], `echo '' 'a b' 'it'\\''s'`],
    [["my program", "-x"], "'my program' -x"],
    [["-x", "-y"], "-x -y"],
  ];
  for (const [argv, text] of cases) assertEquals(quoteCommand(argv), text);
});

Deno.test("quoteCommand quotes a first word that a shell would not run, and only the first", () => {
  const reserved = "! { } case coproc do done elif else esac fi for function if in select then time until while [[ ]]";
  for (const word of reserved.split(" ")) {
    assertEquals(quoteCommand([word, "a"]), `'${word}' a`);
    assertEquals(quoteCommand(["a", word]), `a ${quoteWord(word)}`);
  }
  const cases: [string[], string][] = [
    [["A=b", "A=b"], "'A=b' A=b"],
    [["A="], "'A='"],
    [["A+=b"], "'A+=b'"],
    // quoted once, not twice
    [["A=b c"], "'A=b c'"],
    [["iff"], "iff"],
    [["If"], "If"],
  ];
  for (const [argv, text] of cases) assertEquals(quoteCommand(argv), text);
});
