/** What goes on for weeks keeps nothing of each round: the slope of a real heap over many rounds. */
import { followEvents } from "../../src/client/follow_events.ts";
import { orAborted } from "../../src/domain/or_aborted.ts";
import { untilIdle } from "../../src/runner/burst.ts";
import { Attempts } from "../../src/runner/attempts.ts";
import { Backoff } from "../../src/redis/backoff.ts";
import { systemClock } from "../../src/system/clock.ts";
import { FakeStore } from "../cli/fake_store.ts";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { growthOf } from "../support/heap.ts";

/** Bytes that a round may seem to keep; what a race with a promise that lasts keeps is 200 and more. */
const NOISE = 24;

/** Yields to everything that is ready. */
const turn = () => new Promise<void>((resolve) => queueMicrotask(resolve));

Deno.test("followEvents() keeps nothing of the events that it has brought", async () => {
  const store = new FakeStore();
  const stop = new AbortController();
  const event = { ms: 0, event: "start", id: "a", runner: null, instance: null, attempt: null, state: null };
  let count = 0;
  store.eventsAfter = () => Promise.resolve([{ ...event, cursor: `${++count}-0` }]);
  const events = followEvents(store, "0", { clock: systemClock, signal: stop.signal });
  const { perRound } = await growthOf(async (rounds) => {
    for (let i = 0; i < rounds; i++) await events.next();
  });
  assert(perRound < NOISE, `${perRound} bytes an event`);
  const last = events.next();
  store.eventsAfter = () => new Promise(() => {});
  await last;
  const open = events.next();
  stop.abort();
  assertEquals((await open).done, true);
});

Deno.test("a burst keeps nothing of the changes that it has seen, and ends with the runner", async () => {
  const attempts = new Attempts();
  const failed = Promise.withResolvers<void>();
  const over = untilIdle({ idle: null }, attempts, {
    queue: { length: () => Promise.resolve(0) },
    failed: failed.promise,
  });
  const { perRound } = await growthOf(async (rounds) => {
    for (let i = 0; i < rounds; i++) {
      attempts.wake();
      await turn();
    }
  });
  assert(perRound < NOISE, `${perRound} bytes a change`);
  failed.reject(new Error("gone"));
  await assertRejects(() => over, Error, "gone");
});

Deno.test("a wait for a change that is given up leaves nothing at the runs", async () => {
  const attempts = new Attempts();
  const { perRound } = await growthOf(async (rounds) => {
    for (let i = 0; i < rounds; i++) {
      const round = new AbortController();
      const change = attempts.change(round.signal);
      round.abort();
      await change;
    }
  });
  assert(perRound < NOISE, `${perRound} bytes a wait`);
});

Deno.test("orAborted() leaves nothing at the signal, and rejects with its reason", async () => {
  const stop = new AbortController();
  const { perRound } = await growthOf(async (rounds) => {
    for (let i = 0; i < rounds; i++) await orAborted(Promise.resolve(), stop.signal);
  });
  assert(perRound < NOISE, `${perRound} bytes a wait`);
  const open = orAborted(new Promise(() => {}), stop.signal);
  stop.abort(new Error("why"));
  await assertRejects(() => open, Error, "why");
  await assertRejects(() => orAborted(new Promise(() => {}), stop.signal), Error, "why");
});

Deno.test("pauses before new connections leave nothing at the signal that ends them", async () => {
  const stop = new AbortController();
  const backoff = new Backoff({ now: () => 0, random: () => 0, sleep: (_, signal) => systemClock.sleep(0, signal) });
  backoff.failed();
  const { perRound } = await growthOf(async (rounds) => {
    for (let i = 0; i < rounds / 10; i++) await backoff.pause(stop.signal);
  });
  assert(perRound < NOISE, `${perRound} bytes a pause`);
});
