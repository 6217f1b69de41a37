import { assertEquals } from "../support/assert.ts";
import { CommandFixture } from "./command_fixture.ts";

function fixtureWith(): CommandFixture {
  const fixture = new CommandFixture();
  const ended = Date.UTC(2026, 0, 31, 11, 30);
  const meta = { attempt: "1", started_ms: `${ended - 90_000}`, ended_ms: `${ended}`, ms: "90000" };
  const created_at = new Date(ended - 95_000).toISOString();
  fixture.redis.put("a", { runner: "test_runner", status: "finished", created_at }, meta);
  fixture.redis.put("b", { runner: "build", status: "error", created_at }, meta);
  return fixture;
}

Deno.test("stats shows the queue that is named, altogether and by the hour", async () => {
  const fixture = fixtureWith();
  assertEquals([await fixture.run("stats", "-n", "build"), fixture.stderr], [0, ""]);
  assertEquals(
    fixture.stdout,
    "HOUR                      FINISHED  FAILED  WAITED P50  P95  RAN P50    P95\n" +
      "all                              0       1          5s   5s    1m30s  1m30s\n" +
      "2026-01-31T11:00:00.000Z         0       1          5s   5s    1m30s  1m30s\n",
  );
});

Deno.test("stats --json writes one object per hour, and null for what is not known", async () => {
  const fixture = fixtureWith();
  assertEquals(await fixture.run("stats", "--json", "--since", "1h"), 0);
  const times = { waiting_seconds: { p50: 5, p95: 5 }, running_seconds: { p50: 90, p95: 90 } };
  assertEquals(fixture.stdout.trim().split("\n").map((line) => JSON.parse(line)), [
    { hour: null, finished: 1, failed: 0, ...times },
    { hour: "2026-01-31T11:00:00.000Z", finished: 1, failed: 0, ...times },
  ]);
  const none = new CommandFixture();
  assertEquals(await none.run("stats", "--json"), 0);
  assertEquals(JSON.parse(none.stdout), {
    ...{ hour: null, finished: 0, failed: 0 },
    ...{ waiting_seconds: null, running_seconds: null },
  });
});
