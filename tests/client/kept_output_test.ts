import { keptOutputOf } from "../../src/client/kept_output.ts";
import { RESULT_PART } from "../../src/domain/limits.ts";
import { resultText, TRUNCATED_LINE } from "../../src/domain/output.ts";
import { assertEquals } from "../support/assert.ts";

const encoder = new TextEncoder();

/** What the result keeps of an attempt that wrote these bytes. */
function keep(bytes: Uint8Array, truncated = false) {
  const fits = bytes.length <= 2 * RESULT_PART;
  const head = fits ? bytes : bytes.subarray(0, RESULT_PART);
  const tail = fits ? new Uint8Array() : bytes.subarray(-RESULT_PART);
  const result = resultText({ total: bytes.length, head, tail, truncated });
  const meta = { attempt: "2", output_bytes: String(bytes.length), ...(truncated ? { truncated: "1" } : {}) };
  return keptOutputOf({ id: "j", fields: { status: "finished", result }, meta })!;
}

const part = (text: string) => encoder.encode(text.repeat(RESULT_PART).slice(0, RESULT_PART));

function joined(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(parts.flatMap((bytes) => [...bytes]));
}

Deno.test("keptOutputOf has nothing of a job whose bytes were not counted", () => {
  assertEquals(keptOutputOf({ id: "j", fields: { result: "text" }, meta: { attempt: "1" } }), null);
  const odd = keptOutputOf({ id: "j", fields: {}, meta: { output_bytes: "many" } });
  const head = { bytes: new Uint8Array(), exact: true, end: 0 };
  assertEquals(odd, { attempt: 0, total: 0, note: new Uint8Array(), head, tail: null });
});

Deno.test("keptOutputOf gives all of an output up to twice the size of a part", () => {
  for (const bytes of [new Uint8Array(), encoder.encode("ä\n"), joined(part("a"), part("b"))]) {
    const kept = keep(bytes);
    assertEquals([kept.attempt, kept.total, kept.tail, kept.note.length], [2, bytes.length, null, 0]);
    assertEquals(kept.head, { bytes, exact: true, end: bytes.length });
  }
});

Deno.test("keptOutputOf gives start and end of one byte more, with their offsets", () => {
  const kept = keep(joined(part("a"), encoder.encode("x"), part("b")));
  assertEquals(kept.head, { bytes: part("a"), exact: true, end: RESULT_PART });
  assertEquals(kept.tail, { bytes: part("b"), exact: true, start: RESULT_PART + 1 });
});

Deno.test("keptOutputOf counts the bytes of a character that a cut broke in two as missing", () => {
  const middle = joined(part("a").subarray(1), encoder.encode("😀".repeat(2)), part("b").subarray(3));
  const { head, tail, total } = keep(middle);
  assertEquals([head.exact, head.bytes.length, head.end], [true, RESULT_PART - 1, RESULT_PART - 1]);
  assertEquals([tail!.exact, tail!.bytes.length, tail!.start], [true, RESULT_PART - 3, total - RESULT_PART + 3]);
});

Deno.test("keptOutputOf says of each side by itself that some of its bytes were no text", () => {
  const small = keep(new Uint8Array([0x61, 0xff, 0x62]));
  assertEquals([small.head.exact, small.head.end], [false, 3]);
  const bad = part("a");
  bad[7] = 0xff;
  const rows: [Uint8Array, boolean, Uint8Array, boolean][] = [
    [bad, false, part("b"), true],
    [part("b"), true, bad, false],
  ];
  for (const [start, startExact, end, endExact] of rows) {
    const { head, tail } = keep(joined(start, encoder.encode("middle"), end));
    assertEquals([head.exact, head.end], [startExact, RESULT_PART]);
    assertEquals([tail!.exact, tail!.start], [endExact, RESULT_PART + 6]);
  }
});

Deno.test("keptOutputOf calls no two outputs exact whose results are the same", () => {
  // U+FFFD itself, a character of four bytes without its last one, and a result that lost its text
  for (const bytes of [[0xef, 0xbf, 0xbd], [0xf0, 0x9f, 0x98]].map((one) => new Uint8Array(one))) {
    const { head, total } = keep(bytes);
    assertEquals([head.bytes, head.exact, head.end], [encoder.encode("\ufffd"), false, total]);
  }
  const lost = keptOutputOf({ id: "j", fields: { result: "" }, meta: { output_bytes: "3" } })!;
  assertEquals([lost.head.exact, lost.head.end], [false, 3]);
});

Deno.test("keptOutputOf keeps the note about a truncated output apart from its bytes", () => {
  const note = encoder.encode(TRUNCATED_LINE);
  const small = keep(encoder.encode("abc"), true);
  assertEquals([small.note, small.head], [note, { bytes: encoder.encode("abc"), exact: true, end: 3 }]);
  const large = keep(joined(part("a"), encoder.encode("x"), part("b")), true);
  assertEquals([large.note, large.tail!.bytes], [note, part("b")]);
});

Deno.test("keptOutputOf leaves a line of a job's own that reads like the note in the output", () => {
  const bytes = encoder.encode(`x${TRUNCATED_LINE}`);
  const kept = keep(bytes);
  assertEquals([kept.note.length, kept.head], [0, { bytes, exact: true, end: bytes.length }]);
});
