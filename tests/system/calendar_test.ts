import { systemCalendar } from "../../src/system/calendar.ts";
import { InvalidInputError } from "../../src/domain/errors.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";

/** Returns the next times after a time, as `DD HH:MM` in UTC. */
function times(cron: string, tz: string, { after, count = 4 }: { after: string; count?: number }): string[] {
  const found: string[] = [];
  let at: number | null = Date.parse(after);
  while (at !== null && found.length < count) {
    at = systemCalendar.next({ cron, tz, sinceMs: 0 }, at);
    if (at !== null) found.push(new Date(at).toISOString().slice(8, 16).replace("T", " "));
  }
  return found;
}

Deno.test("expressions of five and six fields and words are read in their time zone", () => {
  const after = "2026-01-31T12:00:00.500Z";
  assertEquals(times("0 3 * * *", "UTC", { after, count: 2 }), ["01 03:00", "02 03:00"]);
  assertEquals(times("0 3 * * *", "Europe/Berlin", { after, count: 1 }), ["01 02:00"]);
  assertEquals(times("@daily", "America/New_York", { after, count: 1 }), ["01 05:00"]);
  assertEquals(times("*/20 * * * * *", "UTC", { after, count: 3 }), ["31 12:00", "31 12:00", "31 12:01"]);
  assertEquals(times("0 0 30 2 *", "UTC", { after }), []);
});

Deno.test("a time that does not exist, as clocks go forward, fires at the end of the gap", () => {
  const after = "2026-03-28T12:00:00Z";
  assertEquals(times("30 2 * * *", "Europe/Berlin", { after, count: 2 }), ["29 01:00", "30 00:30"]);
  assertEquals(times("0 3 * * *", "Europe/Berlin", { after, count: 2 }), ["29 01:00", "30 01:00"]);
  assertEquals(times("*/30 * * * *", "Europe/Berlin", { after: "2026-03-29T00:10:00Z" }), [
    ...["29 00:30", "29 01:00", "29 01:30", "29 02:00"],
  ]);
  assertEquals(times("30 2,14 * * *", "Europe/Berlin", { after, count: 3 }), ["28 13:30", "29 12:30", "30 00:30"]);
});

Deno.test("a time that comes twice, as clocks go back, fires once, and every hour and minute in both", () => {
  const after = "2026-10-24T12:00:00Z";
  assertEquals(times("30 2 * * *", "Europe/Berlin", { after, count: 2 }), ["25 00:30", "26 01:30"]);
  const night = { after: "2026-10-24T23:40:00Z", count: 5 };
  assertEquals(times("0 * * * *", "Europe/Berlin", night), [
    "25 00:00",
    "25 01:00",
    "25 02:00",
    "25 03:00",
    "25 04:00",
  ]);
  assertEquals(times("*/30 * * * *", "Europe/Berlin", night), [
    ...["25 00:00", "25 00:30", "25 01:00", "25 01:30", "25 02:00"],
  ]);
  assertEquals(times("30 2,14 * * *", "Europe/Berlin", { ...night, count: 3 }), ["25 00:30", "25 01:30", "25 13:30"]);
});

Deno.test("@every counts from its begin, in whole seconds", () => {
  const timetable = { cron: "@every 90s", tz: "UTC", sinceMs: 1_000_700 };
  const next = (after: number) => systemCalendar.next(timetable, after);
  assertEquals([next(1_000_700), next(1_090_000), next(1_089_999), next(0)], [
    1_090_000,
    1_180_000,
    1_090_000,
    1_090_000,
  ]);
  assertEquals(systemCalendar.next({ ...timetable, cron: "@every 99999999999d" }, 0), null);
});

Deno.test("what cannot be read is refused with a reason and an example", () => {
  const cases: [cron: string, tz: string, says: string][] = [
    ["x", "UTC", "it has neither five nor six fields"],
    ["* * * *", "UTC", "it has neither five nor six fields"],
    ["0 0 * * * * 2026", "UTC", "it has neither five nor six fields"],
    ["2026-12-01T00:00:00", "UTC", "it has neither five nor six fields"],
    ["61 * * * *", "UTC", "Invalid value for minute: 61"],
    ["@bogus", "UTC", "there is no such word"],
    ["@every 0s", "UTC", "@every counts whole seconds"],
    ["@every 1500ms", "UTC", "@every counts whole seconds"],
    ["@every x", "UTC", 'Cannot read duration "x"'],
    ["0 3 * * *", "Mars/Olympus", 'Cannot use time zone "Mars/Olympus": this host has none of that name'],
  ];
  for (const [cron, tz, says] of cases) {
    assertThrows(() => systemCalendar.next({ cron, tz, sinceMs: 0 }, 0), InvalidInputError, says);
  }
});
