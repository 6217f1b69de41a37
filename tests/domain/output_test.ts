import { assert, assertEquals } from "../support/assert.ts";
import { RESULT_PART } from "../../src/domain/limits.ts";
import { isExact, NO_OUTPUT, type OutputSample, resultText } from "../../src/domain/output.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const whole = (head: Uint8Array): OutputSample => ({ ...NO_OUTPUT, total: head.length, head });

Deno.test("resultText() gives small output as it is", () => {
  assertEquals(resultText(NO_OUTPUT), "");
  assertEquals(resultText(whole(bytes("héllo\n"))), "héllo\n");
  assertEquals(resultText(whole(bytes("\ufeffwith a byte order mark"))), "\ufeffwith a byte order mark");
});

Deno.test("resultText() replaces what is not UTF-8, and NUL", () => {
  assertEquals(resultText(whole(new Uint8Array([0x61, 0xff, 0x00, 0x62, 0xe2, 0x82]))), "a\ufffd\ufffdb\ufffd");
});

Deno.test("resultText() says how much is missing between head and tail", () => {
  const head = new Uint8Array(RESULT_PART).fill(0x61);
  const tail = new Uint8Array(RESULT_PART).fill(0x7a);
  const text = resultText({ total: 2 * RESULT_PART + 17, head, tail, truncated: false });
  assert(text.startsWith("aaa") && text.endsWith("zzz"));
  assert(text.includes("\n[17 bytes missing here: the middle of 131089]\n"));
});

Deno.test("resultText() leaves out characters that the borders of head and tail cut in two", () => {
  const head = new Uint8Array([...bytes("ab"), 0xe2, 0x82]);
  const tail = new Uint8Array([0xac, ...bytes("cd")]);
  const text = resultText({ total: 100, head, tail, truncated: false });
  assert(!text.includes("\ufffd"), text);
  assert(text.startsWith("ab\n[") && text.endsWith("]\ncd"), text);
});

Deno.test("resultText() says when the end was not captured", () => {
  assert(
    resultText({ ...whole(bytes("x")), truncated: true }).endsWith("[output truncated: part of it was not captured]\n"),
  );
});

Deno.test("isExact() says whether a result certainly shows every byte", () => {
  for (const text of ["", "h\u00e9llo\n", "\ufeffx", "tab\t\x1b[0m"]) {
    assertEquals(isExact(resultText(whole(bytes(text)))), true, text);
  }
  // the result of the last two is the same
  for (const other of [[0x61, 0], [0xff], [0xe2, 0x82], [0xf0, 0x9f, 0x98], [0xef, 0xbf, 0xbd]]) {
    assertEquals(isExact(resultText(whole(new Uint8Array(other)))), false, String(other));
  }
});
