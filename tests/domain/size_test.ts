import { assertEquals, assertThrows } from "../support/assert.ts";
import { formatSize, parseSize } from "../../src/domain/size.ts";
import { InvalidInputError } from "../../src/domain/errors.ts";

Deno.test("parseSize() reads every form that is documented", () => {
  const cases: [string, number][] = [
    ["0", 0],
    ["4096", 4096],
    ["16k", 16 << 10],
    ["64M", 64 << 20],
    ["1G", 2 ** 30],
    ["1.5g", 1.5 * 2 ** 30],
    ["2T", 2 ** 41],
    ["0.3K", 307],
  ];
  for (const [text, bytes] of cases) assertEquals(parseSize(text), bytes, text);
});

Deno.test("parseSize() refuses what is no size and says what is", () => {
  for (const text of ["", "M", "5 M", "-5", "5x", "1GB", "1MiB", "NaN", "1e3", " 5", "99999999T"]) {
    const error = assertThrows(() => parseSize(text), InvalidInputError);
    assertEquals(error.message, `Cannot read size "${text}": write for example 64M, 1G or 1.5G`);
  }
});

Deno.test("formatSize() writes what parseSize() reads as the same size", () => {
  const cases: [number, string][] = [[0, "0"], [1000, "1000"], [1024, "1K"], [16 << 20, "16M"], [
    1.5 * 2 ** 30,
    "1536M",
  ]];
  for (const [bytes, text] of cases) assertEquals([formatSize(bytes), parseSize(text)], [text, bytes]);
});
