import { assertEquals } from "../support/assert.ts";
import { until } from "../support/until.ts";
import { UnavailableError } from "../../src/domain/errors.ts";
import { FakeWorld } from "./fake_world.ts";

function worldWith(): FakeWorld {
  const world = new FakeWorld();
  const { redis } = world;
  redis.happen({ event: "submit", id: "a", state: "dispatched", runner: "r" });
  redis.happen({ event: "start", id: "a", state: "started", runner: "r", instance: "i", attempt: 1 });
  redis.happen({ event: "bury", id: "\x1b[2J", state: null });
  return world;
}

Deno.test("events shows what happened, oldest first", async () => {
  const world = worldWith();
  assertEquals([await world.run("events"), world.stderr], [0, ""]);
  assertEquals(
    world.stdout,
    "2026-01-31T12:00:00.000Z  submit    queued    a  runner r\n" +
      "2026-01-31T12:00:00.000Z  start     running   a  runner r  attempt 1\n" +
      "2026-01-31T12:00:00.000Z  bury                \\x1b[2J\n",
  );
  world.stdout = "";
  assertEquals([await world.run("events", "-n", "1", "--json"), JSON.parse(world.stdout).event], [0, "bury"]);
  const empty = new FakeWorld();
  assertEquals([await empty.run("events"), empty.stdout, empty.stderr], [0, "", ""]);
});

Deno.test("events --follow shows what happens from now on, also after an outage, until a signal", async () => {
  const world = worldWith();
  const code = world.run("events", "-f", "--json");
  await until("it listens", () => world.opened.length === 1);
  world.redis.eventErrors.push(Object.assign(new UnavailableError("gone"), { condition: "unreachable" }));
  world.redis.happen({ event: "finish", id: "a", state: "finished", attempt: 1 });
  await until("it is shown", () => world.stdout !== "");
  world.redis.happen({ event: "submit", id: "b", state: "dispatched" });
  await until("both are shown", () => world.stdout.split("\n").length === 3);
  world.signal("SIGINT");
  assertEquals([await code, world.stderr], [130, ""]);
  const time = "2026-01-31T12:00:00.000Z";
  assertEquals(world.stdout.trimEnd().split("\n").map((line) => JSON.parse(line)), [
    { time, event: "finish", id: "a", state: "finished", runner: null, instance: null, attempt: 1 },
    { time, event: "submit", id: "b", state: "dispatched", runner: null, instance: null, attempt: null },
  ]);
});

Deno.test("events --follow -n begins with the past", async () => {
  const world = worldWith();
  const code = world.run("events", "-f", "-n", "2");
  await until("the past is shown", () => world.stdout.split("\n").length === 3);
  world.redis.happen({ event: "cancel" });
  await until("the next is shown", () => world.stdout.split("\n").length === 4);
  world.signal("SIGTERM");
  assertEquals(await code, 143);
});
