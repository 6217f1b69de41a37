import { decodeBase64, encodeBase64 } from "../../src/domain/base64.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";

Deno.test("encodeBase64 and decodeBase64 agree with RFC 4648, section 10", () => {
  const vectors = [["", ""], ["f", "Zg=="], ["fo", "Zm8="], ["foo", "Zm9v"], ["foobar", "Zm9vYmFy"]];
  for (const [plain, encoded] of vectors) {
    assertEquals(encodeBase64(new TextEncoder().encode(plain)), encoded);
    assertEquals(new TextDecoder().decode(decodeBase64(encoded)), plain);
  }
});

Deno.test("encodeBase64 keeps every byte of more than one piece", () => {
  const bytes = new Uint8Array(20_000).map((_, i) => i * 7 % 256);
  assertEquals(decodeBase64(encodeBase64(bytes)), bytes);
});

Deno.test("decodeBase64 refuses what is no base64", () => {
  for (const text of ["%", "Zg=", "Z", "Zm9v\u00e9"]) assertThrows(() => decodeBase64(text), DOMException);
});
