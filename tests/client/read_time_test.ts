import { assertEquals } from "../support/assert.ts";
import { readTime } from "../../src/client/read_time.ts";

Deno.test("readTime() reads RFC 3339, plain date and time, and Unix seconds", () => {
  const cases: [string, number][] = [
    ["2026-01-31T18:30:00Z", Date.UTC(2026, 0, 31, 18, 30)],
    ["2026-01-31t18:30:00.25z", Date.UTC(2026, 0, 31, 18, 30, 0, 250)],
    ["2026-01-31T18:30:00.123456789+05:30", Date.UTC(2026, 0, 31, 13, 0, 0, 123)],
    ["2026-01-31T18:30-0100", Date.UTC(2026, 0, 31, 19, 30)],
    ["2026-01-31 18:30:05", Date.UTC(2026, 0, 31, 18, 30, 5)],
    ["2026-01-31 18:30", Date.UTC(2026, 0, 31, 18, 30)],
    ["2024-02-29 00:00", Date.UTC(2024, 1, 29)],
    ["1800000000", 1_800_000_000_000],
    ["1800000000.5", 1_800_000_000_500],
  ];
  for (const [text, ms] of cases) assertEquals(readTime(text, "utc"), ms, text);
});

Deno.test("readTime() reads a time without a zone as local when asked to", () => {
  assertEquals(readTime("2026-01-31 18:30", "local"), new Date(2026, 0, 31, 18, 30).getTime());
  assertEquals(readTime("2026-01-31T18:30:00Z", "local"), Date.UTC(2026, 0, 31, 18, 30));
});

Deno.test("readTime() refuses what is no time", () => {
  const texts = [
    "",
    "now",
    "2026-02-30T00:00:00Z",
    "2026-13-01 00:00",
    "2026-01-31T24:00:00Z",
    "2026-01-31",
    "18:30",
    "123",
    "-1",
  ];
  for (const text of texts) assertEquals(readTime(text, "utc"), null, text);
});
