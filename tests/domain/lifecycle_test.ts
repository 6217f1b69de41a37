import {
  FINAL_STATES,
  INSTANCE_EVENTS,
  isFinal,
  type JobState,
  LIFECYCLE,
  type LifecycleEvent,
} from "../../src/domain/lifecycle.ts";
import { assert, assertEquals } from "../support/assert.ts";

const STATES: readonly JobState[] = ["dispatched", "started", "finished", "error"];
const EVENTS: readonly [string, LifecycleEvent][] = Object.entries(LIFECYCLE);

/** Events that find a job in a final state: on request, and when Redis went back to the end of an older attempt. */
const BACK = ["retry", "reassert"];

/** The states to which events lead from these, in any number of steps, without those that lead out of a final state. */
function reachableFrom(states: LifecycleEvent["to"]): JobState[] {
  const found = new Set(states);
  // a Set that grows is read to its new end
  for (const state of found) {
    for (const [name, { from, to }] of EVENTS) {
      if (!BACK.includes(name) && from.includes(state)) to.forEach((next) => found.add(next));
    }
  }
  return STATES.filter((state) => found.has(state));
}

Deno.test("isFinal says yes to the two states of an ended job, and to no other word", () => {
  const cases: [string, boolean][] = [
    ...[["finished", true], ["error", true], ["dispatched", false], ["started", false]] as [string, boolean][],
    ...["", "failed", "Finished", "finished ", "errors", "length", "constructor"].map((word) =>
      [word, false] as [string, boolean]
    ),
  ];
  for (const [word, final] of cases) assertEquals(isFinal(word), final, word);
});

Deno.test("no event but retry and reassert finds a job in a final state", () => {
  const names = EVENTS.filter(([, { from }]) => from.some(isFinal)).map(([name]) => name);
  assertEquals(names, BACK);
  assertEquals(LIFECYCLE.retry.from, FINAL_STATES);
});

Deno.test("a job begins as dispatched unless it ends at once, and can come to every state", () => {
  assertEquals(LIFECYCLE.submit.to, ["dispatched", "error"]);
  assertEquals(reachableFrom(["dispatched"]), STATES);
});

Deno.test("from every state a job can come to both ends, unless it has ended", () => {
  for (const state of STATES) {
    const ends = reachableFrom([state]).filter(isFinal);
    assertEquals(ends, isFinal(state) ? [state] : FINAL_STATES, state);
  }
});

Deno.test("a job is finished by the event finish only", () => {
  const names = EVENTS.filter(([, { to }]) => to.includes("finished")).map(([name]) => name);
  assertEquals(names, ["finish"]);
});

Deno.test("an event has a name of its own and one sentence without a stop", () => {
  const all: [string, string][] = [
    ...EVENTS.map(([name, { does }]) => [name, does] as [string, string]),
    ...Object.entries(INSTANCE_EVENTS),
  ];
  assertEquals(new Set(all.map(([name]) => name)).size, all.length);
  for (const [name, does] of all) {
    assert(/^[a-z]+(_[a-z]+)*$/.test(name), name);
    assert(/^[a-z]+s [^.\n]+[^.\s]$/.test(does), `${name}: ${does}`);
  }
});
