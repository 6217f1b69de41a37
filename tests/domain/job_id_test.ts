import { InvalidInputError } from "../../src/domain/errors.ts";
import { checkJobId, readJobId } from "../../src/domain/job_id.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("readJobId gives every UTF-8 text up to 512 bytes back unchanged", () => {
  const ids = ["7", " ", "@~1", "\0", "\ufeff7", "\u{1f680}", "x".repeat(512), "é".repeat(256)];
  for (const id of ids) assertEquals(readJobId(bytes(id)), { id });
});

Deno.test("readJobId says why bytes are no id", () => {
  const cases: [string, Uint8Array, string][] = [
    ["nothing", new Uint8Array(), "the id is empty"],
    ["one byte too many", bytes("x".repeat(513)), "the id has 513 bytes, more than 512"],
    ["one character too many", bytes("é".repeat(257)), "the id has 514 bytes, more than 512"],
    ["too long and not UTF-8", new Uint8Array(600).fill(0xff), "the id has 600 bytes, more than 512"],
    ["a byte that no text has", new Uint8Array([0x41, 0xff]), "the id is not UTF-8"],
    ["the first half of a character", new Uint8Array([0x41, 0xc3]), "the id is not UTF-8"],
    ["NUL in two bytes", new Uint8Array([0xc0, 0x80]), "the id is not UTF-8"],
    ["half of a surrogate pair", new Uint8Array([0xed, 0xa0, 0x80]), "the id is not UTF-8"],
  ];
  for (const [what, raw, reason] of cases) assertEquals(readJobId(raw), { reason }, what);
});

Deno.test("checkJobId accepts any visible text of 1 to 512 bytes", () => {
  for (const id of ["7", "a@b", "a b", "-x", "../ä:", "\u{1f680}", "x".repeat(512), "é".repeat(256)]) checkJobId(id);
});

Deno.test("checkJobId refuses an id, quotes it and says what an id is", () => {
  const long = "é".repeat(257);
  const cases: [string, string][] = [
    ["", '""'],
    ["@", '"@"'],
    ["@7", '"@7"'],
    ["a\nb", '"a\\nb"'],
    ["a\x1b[2J", '"a\\u001b[2J"'],
    ["a\u200b", '"a\u200b"'],
    ["a\u202eb", '"a\u202eb"'],
    [long, `"${long}"`],
  ];
  for (const [id, quoted] of cases) {
    const { message } = assertThrows(() => checkJobId(id), InvalidInputError);
    const rule = 'an id has 1 to 512 bytes, no control or invisible characters and no "@" in front';
    assertEquals(message, `Cannot use id ${quoted}: ${rule}`);
  }
});

Deno.test("checkJobId refuses half of a surrogate pair, which UTF-8 would make another id", () => {
  for (const id of ["\ud800", "a\udfff"]) assertThrows(() => checkJobId(id), InvalidInputError, "Cannot use id ");
});
