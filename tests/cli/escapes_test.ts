import { assert, assertEquals } from "../support/assert.ts";
import { random as numbersFrom } from "../support/random.ts";
import { EscapeFilter, type Removed, withoutEscapes } from "../../src/cli/view/escapes.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** What is left of bytes that come in pieces. */
function leftOf(pieces: readonly Uint8Array[], removed: Removed, moves = false): Uint8Array {
  const filter = new EscapeFilter(removed, { moves });
  const left = [...pieces.map((piece) => filter.push(piece)), filter.end()];
  return Uint8Array.from(left.flatMap((bytes) => [...bytes]));
}

/** What is left of a text, given whole and given byte by byte, which must be the same. */
function left(text: string, removed: Removed): string {
  const bytes = encoder.encode(text);
  const whole = decoder.decode(leftOf([bytes], removed));
  assertEquals(decoder.decode(leftOf(Array.from(bytes, (byte) => Uint8Array.of(byte)), removed)), whole);
  assertEquals(withoutEscapes(text, removed), whole);
  return whole;
}

Deno.test("EscapeFilter keeps text, and colours when wanted", () => {
  const cases: [text: string, none: string, colours?: string][] = [
    ["plain größe 工\n", "plain größe 工\n"],
    ["\x1b[1;31mred\x1b[0m", "red", "\x1b[1;31mred\x1b[0m"],
    ["\x1b[38:2::1:2:3mrgb\x1b[m", "rgb", "\x1b[38:2::1:2:3mrgb\x1b[m"],
    ["a\x1b[2J\x1b[10;4Hb", "ab"],
    ["a\x1b[?25lb", "ab"],
    // a private or an intermediate byte makes `m` another command
    ["a\x1b[>4;1mb\x1b[1 mc", "abc"],
    ["\x1b]0;title\x07a\x1b]52;c;eA==\x1b\\b", "ab"],
    ["\x1bPq#0\x1b\\a\x1b_x\x1b\\b\x1b^y\x1b\\c\x1bXz\x1b\\d", "abcd"],
    ["a\x1b(Bb\x1bMc\x1b7d\x1b#8e", "abcde"],
    // what never ends hides no more than its line
    ["a\x1b]0;title\x1b[31mb", "ab", "a\x1b[31mb\x1b[0m"],
    ["a\x1b]0;title\nb", "a\nb"],
    ["a\x1b]0;title\x18b\x1b[3\x1ac", "abc"],
    ["a\x1b[3öße", "aöße"],
    ["a\x1böb", "aöb"],
    ["a\x1b\x1b[31mb", "ab", "a\x1b[31mb\x1b[0m"],
    ["a\x1b[3\n1mb", "a\nb", "a\n\x1b[31mb\x1b[0m"],
    [`a\x1b[${"1;".repeat(60)}mb`, "ab"],
    ["a\x1b[31", "a"],
    // 8-bit controls
    ["a\u009b2Jb\u009b1mc\u009b0md", "abcd", "ab\x1b[1mc\x1b[0md"],
    ["a\u009d0;title\u009cb\u0090q\x1b\\c\u0085d\u0084e", "abcde"],
    // ENQ and DA make a terminal type an answer; SO and SI change its letters
    ["a\x05b\x1b[cc\u009bcd\x0ee\x0ff\x07g\x08h\0i\x7fj\x0bk\x0cl", "abcdefghijkl"],
    // a line that is overwritten
    ["10%\r20%\r\n", "10%\n20%\n"],
    ["\r\n\r\r\na\r\r\nb\r", "\n\na\nb"],
    ["\r\x1b[K50%\r\x1b[K60%", "50%\n60%"],
    // what shows nothing, or reorders the text
    [
      "a\u202eb\u2066c\u200bd\ufeffe\u00adf\u2028g\u{e0041}h",
      "a\\u202eb\\u2066c\\u200bd\\ufeffe\\xadf\\u2028g\\u{e0041}h",
    ],
    ["👩\u200d🚀 ❤\ufe0f\u200d🔥 a\u200db", "👩\u200d🚀 ❤\ufe0f\u200d🔥 a\\u200db"],
  ];
  for (const [text, none, colours = none] of cases) {
    assertEquals(left(text, "all"), none, JSON.stringify(text));
    assertEquals(left(text, "all but colours"), colours, JSON.stringify(text));
  }
});

Deno.test("EscapeFilter leaves everything but sequences to JSON", () => {
  assertEquals(left("a\x1b[31mb\x05\x0e\r\u202ec\u009b1m\r\n", "sequences"), "ab\x05\x0e\r\u202ec\r\n");
});

Deno.test("EscapeFilter writes U+FFFD for what is no UTF-8, and ends a colour that its program left on", () => {
  const bytes = Uint8Array.of(0x61, 0xff, 0x9b, 0x62, 0xe5, 0xb7);
  assertEquals(decoder.decode(leftOf([bytes], "all")), "a\ufffd\ufffdb\ufffd");
  assertEquals(left("\x1b[8mhidden\n", "all but colours"), "\x1b[8mhidden\n\x1b[0m");
});

/** Bytes of which sequences are made, and any others. */
const ALPHABET = encoder.encode("\x1b\x1b\x1b[]PX^_\\();?:0123mJHCDGAcn\x07\x18\x1a\x05\x0e\x0f\r\n\t ab\x7f\0");
const PARTS = ["\u009b", "\u009d", "\u0090", "\u009c", "\u0085", "\u202e", "\u200b", "\u{e0041}", "é", "🚀", "\u200d"];

Deno.test("EscapeFilter lets no control out of any bytes, however they are cut", () => {
  const random = numbersFrom(15);
  const below = (limit: number) => Math.floor(random() * limit);
  // deno-lint-ignore no-control-regex
  const colours = /\u001b\[[0-9;:]*m/g;
  const unsafe = /(?![\n\t])[\p{Cc}\p{Zl}\p{Zp}\u061c\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u206f]/u;
  for (let round = 0; round < 3_000; round++) {
    const bytes = Uint8Array.from(
      Array.from({ length: below(60) }, () => {
        const kind = below(10);
        if (kind < 6) return [ALPHABET[below(ALPHABET.length)]];
        return kind < 8 ? [below(256)] : [...encoder.encode(PARTS[below(PARTS.length)])];
      }).flat(),
    );
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < bytes.length;) {
      const to = at + 1 + below(8);
      pieces.push(bytes.subarray(at, to));
      at = to;
    }
    for (const removed of ["all", "all but colours"] as const) {
      for (const moves of [false, true]) {
        const seen = `seed 15, round ${round}, ${removed}, moves ${moves}: ${bytes.join(" ")}`;
        const cut = decoder.decode(leftOf(pieces, removed, moves));
        assertEquals(cut, decoder.decode(leftOf([bytes], removed, moves)), seen);
        const text = removed === "all" ? cut : cut.replace(colours, "");
        assert(!unsafe.test(text), `${seen} gave ${JSON.stringify(cut)}`);
      }
    }
  }
});
