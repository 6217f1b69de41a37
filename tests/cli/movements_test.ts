import { EscapeFilter, type Removed } from "../../src/cli/view/escapes.ts";
import { assertEquals } from "../support/assert.ts";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** What is shown of a program's output, given whole and given byte by byte, which must be the same. */
function shown(text: string, removed: Removed = "all"): string {
  const bytes = new TextEncoder().encode(text);
  const [whole, single] = [[bytes], Array.from(bytes, (byte) => Uint8Array.of(byte))].map((pieces) => {
    const filter = new EscapeFilter(removed, { moves: true });
    const left = [...pieces.map((piece) => filter.push(piece)), filter.end()];
    return decoder.decode(Uint8Array.from(left.flatMap((bytes) => [...bytes])));
  });
  assertEquals(single, whole);
  return whole;
}

Deno.test("EscapeFilter keeps words apart that a program set apart by moving the cursor", () => {
  const cases: [text: string, shown: string][] = [
    ["Do\x1b[4Gyou\x1b[8Gtrust\x1b[14Gthis", "Do you trust this"],
    ["Do\x1b[1Cyou\x1b[Ctrust\x1b[2athis\n", "Do you trust  this\n"],
    ["one\x1b[8`two\n\x1b[8Gthree", "one    two\n       three"],
    // characters of two columns
    ["工作\x1b[6Gdone", "工作 done"],
    // colours between need no room
    ["\x1b[31mred\x1b[0m\x1b[5Gblue", "red blue"],
    // where it is already
    ["abc\x1b[4Gd\x1b[5Ge", "abcde"],
    ["a\x1b[9999Cb".replace("9999", "500"), `a${" ".repeat(500)}b`],
    ["a\x1b[9999Cb", `a${" ".repeat(500)}b`],
  ];
  for (const [text, want] of cases) assertEquals(shown(text), want, JSON.stringify(text));
});

Deno.test("EscapeFilter keeps the lines of a screen apart, and what is written over another line", () => {
  const cases: [text: string, shown: string][] = [
    ["\x1b[2J\x1b[1;1Htop\x1b[2;3Hnext\x1b[2;9Hsame\x1b[3Hlast", "top\n  next  same\nlast"],
    ["a\x1b[Bb\x1b[Ac\x1b[Ed\x1b[5de", "a\nb\nc\nd\ne"],
    ["10%\x1b[1G\x1b[K20%\x1b[3D30%\n", "10%\n20%\n30%\n"],
    ["\x1b[H\x1b[2J\x1b[3J", ""],
    ["line\n\x1b[1A\x1b[2Kother\n", "line\nother\n"],
    // not movements: private, with an intermediate, or of another meaning
    ["a\x1b[?5Gb\x1b[5 Cc\x1b[2Kd\x1b[5Se", "abcde"],
    ["a\x1b[1;2;3Hb\x1b[99999Gc", "abc"],
  ];
  for (const [text, want] of cases) assertEquals(shown(text), want, JSON.stringify(text));
});

Deno.test("EscapeFilter ignores movements in what no program drew", () => {
  const filter = new EscapeFilter("all");
  assertEquals(decoder.decode(filter.push(new TextEncoder().encode("a\x1b[5Gb\x1b[2;1Hc"))), "abc");
});
