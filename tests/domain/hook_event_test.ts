import { InvalidInputError } from "../../src/domain/errors.ts";
import { hookRules, readHookEvents } from "../../src/domain/hook_event.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";

Deno.test("readHookEvents reads each event once, in the order of the table", () => {
  assertEquals(readHookEvents("lost,start,lost"), ["start", "lost"]);
  assertEquals(readHookEvents("input_required"), ["input_required"]);
});

Deno.test("readHookEvents refuses what is no event, and names those that are", () => {
  for (const text of ["", "start,", "ends", "start, end", "toString"]) {
    assertThrows(() => readHookEvents(text), InvalidInputError, "events are start, end, input_required, lost");
  }
});

Deno.test("hookRules makes one rule for each event, and one of the short form", () => {
  assertEquals(hookRules({}), []);
  assertEquals(hookRules({ onEnd: "a", on: "end,lost", hook: "b" }), [
    { on: "end", command: "a" },
    { on: "end", command: "b" },
    { on: "lost", command: "b" },
  ]);
});

Deno.test("hookRules refuses a hook without events, and events without a hook", () => {
  assertThrows(() => hookRules({ on: "end" }), InvalidInputError, "Cannot use --on without --hook");
  assertThrows(() => hookRules({ hook: "a" }), InvalidInputError, "Cannot use --hook without --on");
});
