import type { Dependency } from "../../src/domain/job_meta.ts";
import { assertEquals } from "../support/assert.ts";
import { startedTooEarly } from "../support/audit.ts";
import { clientSteps, prepare, runnerSteps } from "./everything.ts";
import { RedisFixture } from "./redis_fixture.ts";

Deno.test("every event is published to the audit, in order and once", async () => {
  await using fixture = await RedisFixture.open();
  await prepare(fixture.store, fixture.queue, fixture.runner({ instance: "gone" }), () => fixture.endHold());
  await fixture.expire("gone");
  for (const [, step] of [...runnerSteps(fixture.queue), ...clientSteps(fixture.store)]) await step();
  const entries = await fixture.server.call("XRANGE", fixture.keys.events(), "-", "+") as [string, string[]][];
  assertEquals(entries.map(([, [, event, , id, , state]]) => [event, id, state ?? ""].join(" ").trim()), [
    ...["submit v dispatched", "submit parked dispatched", "start v started", "park parked dispatched"],
    ...["submit f dispatched", "submit g dispatched", "start g started", "submit h dispatched", "start h started"],
    ...["submit t dispatched", "start t started"],
    ...["x", "y", "b", "c", "d", "a", "w"].map((id) => `submit ${id} dispatched`),
    "batch_submit m dispatched",
    ...[
      "start a started",
      "input_required a started",
      "input_resolved a started",
      "finish a dispatched",
      "promote a dispatched",
      "start m.3 started",
      "start a started",
      "finish a finished",
    ],
    ...["promote w dispatched", "release b dispatched", "reroute c dispatched", "dead_letter d"],
    ...["reap f dispatched", "reap g dispatched", "reap h error"],
    ...["start m.1 started", "release m.2 dispatched", "finish m.1 error", "skipped m.2 error"],
    "schedule_skipped s@2 missed",
    ...["start x started", "park y dispatched", "unpark y dispatched", "finish x finished", "reassert z started"],
    ...["unpark parked dispatched", "reap v dispatched"],
    ...["n", "o", "p", "l", "q", "u"].map((id) => `submit ${id} dispatched`),
    ...["retry a dispatched", "cancel b error", "skipped u error", "retry b dispatched"],
    ...["submit V dispatched", "cancel V error", "cancel c error", "retry c dispatched"],
    ...["batch_submit u2 dispatched", "cancel u2.1 error", "batch_cancel u2 stopping"],
    ...["cancel u2.2 error", "cancel u2.3 error", "batch_ended u2 error", "submit X dispatched"],
    ...["cancel y error", "retry y dispatched"],
  ]);
});

Deno.test("startedTooEarly() finds a start before the end of a parent was to be seen, and no other", () => {
  const parents: Record<string, Pick<Dependency, "id" | "condition">[]> = {
    child: [{ id: "a", condition: "finished" }, { id: "b", condition: "ended" }],
  };
  const check = (...events: string[]) =>
    startedTooEarly(
      events.map((text) => Object.fromEntries(["e", "id", "s"].map((name, i) => [name, text.split(" ")[i]]))),
      (id) => parents[id] ?? [],
    );
  const start = "start child started";
  assertEquals(check("finish a finished", "reap b error", start, "finish child finished"), []);
  assertEquals(check("finish a finished", start, "reap b error").length, 1);
  assertEquals(check("finish a error", "finish b error", start).length, 1, "it must finish");
  assertEquals(check("finish a error", "retry a dispatched", "finish a finished", "finish b error", start), []);
  assertEquals(check(start).length, 2);
});
