import { assertEquals } from "../support/assert.ts";
import { until } from "../support/until.ts";
import { CommandFixture } from "./command_fixture.ts";
import { unavailable } from "../support/unavailable.ts";

function fixtureWith(): CommandFixture {
  const fixture = new CommandFixture();
  const { redis } = fixture;
  redis.happen({ event: "submit", id: "a", state: "dispatched", runner: "r" });
  redis.happen({ event: "start", id: "a", state: "started", runner: "r", instance: "i", attempt: 1 });
  redis.happen({ event: "dead_letter", id: "\x1b[2J", state: null });
  return fixture;
}

Deno.test("events shows what happened, oldest first", async () => {
  const fixture = fixtureWith();
  assertEquals([await fixture.run("events"), fixture.stderr], [0, ""]);
  assertEquals(
    fixture.stdout,
    "2026-01-31T12:00:00.000Z  submit    queued    a  runner r\n" +
      "2026-01-31T12:00:00.000Z  start     running   a  runner r  attempt 1\n" +
      "2026-01-31T12:00:00.000Z  dead_letter            \\x1b[2J\n",
  );
  fixture.stdout = "";
  assertEquals([await fixture.run("events", "-n", "1", "--json"), JSON.parse(fixture.stdout).event], [
    0,
    "dead_letter",
  ]);
  const empty = new CommandFixture();
  assertEquals([await empty.run("events"), empty.stdout, empty.stderr], [0, "", ""]);
});

Deno.test("events --follow shows what happens from now on, also after an outage, until a signal", async () => {
  const fixture = fixtureWith();
  const code = fixture.run("events", "-f", "--json");
  await until("it listens", () => fixture.opened.length === 1);
  fixture.redis.eventErrors.push(unavailable("gone"));
  fixture.redis.happen({ event: "finish", id: "a", state: "finished", attempt: 1 });
  await until("it is shown", () => fixture.stdout !== "");
  fixture.redis.happen({ event: "submit", id: "b", state: "dispatched" });
  await until("both are shown", () => fixture.stdout.split("\n").length === 3);
  fixture.signal("SIGINT");
  assertEquals([await code, fixture.stderr], [130, ""]);
  const time = "2026-01-31T12:00:00.000Z";
  assertEquals(fixture.stdout.trimEnd().split("\n").map((line) => JSON.parse(line)), [
    { time, event: "finish", id: "a", state: "finished", runner: null, instance: null, attempt: 1 },
    { time, event: "submit", id: "b", state: "dispatched", runner: null, instance: null, attempt: null },
  ]);
});

Deno.test("events --follow -n begins with the past", async () => {
  const fixture = fixtureWith();
  const code = fixture.run("events", "-f", "-n", "2");
  await until("the past is shown", () => fixture.stdout.split("\n").length === 3);
  fixture.redis.happen({ event: "cancel" });
  await until("the next is shown", () => fixture.stdout.split("\n").length === 4);
  fixture.signal("SIGTERM");
  assertEquals(await code, 143);
});
