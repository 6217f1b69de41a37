import { followEvents, newestCursor } from "../../src/client/follow_events.ts";
import type { StoredEvent } from "../../src/ports/job_store.ts";
import type { Condition } from "../../src/ports/queue.ts";
import { FakeStore } from "../cli/fake_store.ts";
import { assertEquals, assertRejects } from "../support/assert.ts";
import { unavailable } from "../support/unavailable.ts";

const trouble = (condition: Condition) => unavailable(condition, { condition });

function event(cursor: string): StoredEvent {
  return { cursor, ms: 0, event: "start", id: "j", runner: null, instance: null, attempt: null, state: null };
}

/** Follows a store that gives these replies in turn and then nothing; notes what it asks and where it pauses. */
function follow(replies: (readonly string[] | Error)[], everyMs?: number) {
  const stop = new AbortController();
  const store = new FakeStore();
  const notes: string[] = [];
  store.eventsAfter = (cursor, waitMs) => {
    notes.push(`after ${cursor} for ${waitMs}`);
    const reply = replies.shift() ?? new Promise<never>(() => {});
    return reply instanceof Error ? Promise.reject(reply) : Promise.resolve(reply).then((all) => all.map(event));
  };
  const clock = {
    now: () => 0,
    random: () => 0,
    sleep: (ms: number) => Promise.resolve(void notes.push(`sleep ${ms}`)),
  };
  const onOutage = ({ message }: Error) => void notes.push(message);
  return { stop, notes, events: followEvents(store, "0", { clock, signal: stop.signal, everyMs, onOutage }) };
}

Deno.test("followEvents goes on behind the last event, and stays there when nothing happened", async () => {
  const { events, notes, stop } = follow([["1", "2"], [], ["3"]], 7);
  const cursors: string[][] = [];
  for (let i = 0; i < 3; i++) cursors.push((await events.next()).value!.map(({ cursor }: StoredEvent) => cursor));
  assertEquals(cursors, [["1", "2"], [], ["3"]]);
  assertEquals(notes, ["after 0 for 7", "after 2 for 7", "after 2 for 7"]);
  const open = events.next();
  stop.abort();
  assertEquals([(await open).done, notes.at(-1)], [true, "after 3 for 7"]);
});

Deno.test("followEvents pauses after each outage, and goes on where it was", async () => {
  const { events, notes, stop } = follow([["1"], trouble("unreachable"), trouble("busy"), ["2"]]);
  await events.next();
  assertEquals((await events.next()).value!.map(({ cursor }: StoredEvent) => cursor), ["2"]);
  const waits = ["after 1 for 5000", "unreachable", "sleep 1000", "after 1 for 5000", "busy", "sleep 1000"];
  assertEquals(notes, ["after 0 for 5000", ...waits, "after 1 for 5000"]);
  stop.abort();
  await events.return(undefined);
});

Deno.test("followEvents ends with an error that does not pass by itself", async () => {
  for (const error of [trouble("refused"), trouble("unfit"), new TypeError("fault")]) {
    const { events, notes } = follow([error]);
    assertEquals(await assertRejects(() => events.next()), error);
    assertEquals(notes, ["after 0 for 5000"]);
  }
});

Deno.test("followEvents asks for nothing once its signal has aborted", async () => {
  const { events, notes, stop } = follow([["1"]]);
  stop.abort();
  assertEquals([(await events.next()).done, notes], [true, []]);
});

Deno.test("newestCursor is the last event, or 0 when there is none", async () => {
  const store = new FakeStore();
  assertEquals(await newestCursor(store), "0");
  store.happen({ cursor: "1-0" });
  store.happen({ cursor: "2-0" });
  assertEquals(await newestCursor(store), "2-0");
});
