import { assertEquals } from "../support/assert.ts";
import { EscapeFilter, type Removed } from "../../src/cli/escapes.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What is left of a text, given whole and given byte by byte, which must be the same. */
function left(text: string, removed: Removed): string {
  const bytes = encoder.encode(text);
  const whole = decoder.decode(new EscapeFilter(removed).push(bytes));
  const filter = new EscapeFilter(removed);
  const pieces = Array.from(bytes, (byte) => decoder.decode(filter.push(Uint8Array.of(byte)), { stream: true }));
  if (!/[^\0-\x7f]/.test(text)) assertEquals(pieces.join(""), whole);
  return whole;
}

Deno.test("EscapeFilter keeps text, and colours when wanted", () => {
  const cases: [string, string, string][] = [
    ["plain größe 工\n", "plain größe 工\n", "plain größe 工\n"],
    ["\x1b[1;31mred\x1b[0m", "red", "\x1b[1;31mred\x1b[0m"],
    ["\x1b[38:2::1:2:3mrgb\x1b[m", "rgb", "\x1b[38:2::1:2:3mrgb\x1b[m"],
    ["a\x1b[2J\x1b[10;4Hb", "ab", "ab"],
    ["a\x1b[?25lb", "ab", "ab"],
    // a private or an intermediate byte makes `m` another command
    ["a\x1b[>4;1mb\x1b[1 mc", "abc", "abc"],
    ["\x1b]0;title\x07a\x1b]52;c;eA==\x1b\\b", "ab", "ab"],
    ["\x1bPq#0\x1b\\a\x1b_x\x1b\\b\x1b^y\x1b\\c\x1bXz\x1b\\d", "abcd", "abcd"],
    ["a\x1b(Bb\x1bMc\x1b7d\x1b#8e", "abcde", "abcde"],
    // a string that never ends hides the rest, a sequence within it ends it
    ["a\x1b]0;title\x1b[31mb", "ab", "a\x1b[31mb"],
    ["a\x1b\x1b[31mb", "ab", "a\x1b[31mb"],
    ["a\x1b[3\n1mb", "a\nb", "a\n\x1b[31mb"],
    ["10%\r20%\r\n", "10%\r20%\r\n", "10%\r20%\r\n"],
    [`a\x1b[${"1;".repeat(60)}mb`, "ab", "ab"],
    ["a\x1b[31", "a", "a"],
  ];
  for (const [text, none, colours] of cases) {
    assertEquals(left(text, "all"), none, JSON.stringify(text));
    assertEquals(left(text, "all but colours"), colours, JSON.stringify(text));
  }
});
