import { makeReady, submitJob } from "../../src/client/submit.ts";
import { JobNotFoundError, QueueFullError } from "../../src/domain/errors.ts";
import { FakeStore } from "../cli/fake_store.ts";
import { assertEquals, assertRejects } from "../support/assert.ts";

const JOB = { payload: "x", runner: "build", executor: "tmux.main" };

Deno.test("makeReady gives an id only to a draft without one", () => {
  const newId = () => "new";
  assertEquals(makeReady({ submission: JOB }, 0, newId), { ...JOB, id: "new" });
  assertEquals(makeReady({ submission: { ...JOB, id: "own" } }, 0, newId).id, "own");
});

Deno.test("makeReady counts a delay from now, rounded to a millisecond, and keeps a start without one", () => {
  const start = (delay: number | undefined, notBeforeMs?: number) =>
    makeReady({ submission: { ...JOB, notBeforeMs }, delay }, 1_000, () => "new").notBeforeMs;
  const rows: [delay: number | undefined, own: number | undefined, want: number | undefined][] = [
    [undefined, undefined, undefined],
    [undefined, 7, 7],
    [0, undefined, 1_000],
    [0.0004, undefined, 1_000],
    [0.0006, undefined, 1_001],
    [60, 7, 61_000],
  ];
  for (const [delay, own, want] of rows) assertEquals(start(delay, own), want);
});

Deno.test("submitJob queues a job once under its id", async () => {
  const store = new FakeStore();
  assertEquals(await submitJob(store, { ...JOB, id: "a" }), { id: "a", queued: true });
  assertEquals(await submitJob(store, { ...JOB, id: "a", payload: "y" }), { id: "a", queued: false });
  assertEquals(store.submitted.map(({ payload }) => payload), ["x"]);
});

Deno.test("submitJob refuses a job that is to wait for one that does not exist", async () => {
  const store = new FakeStore();
  store.submit = () => Promise.resolve({ type: "ORPHAN", after: 'no"ne' });
  const { message } = await assertRejects(() => submitJob(store, { ...JOB, id: "a" }), JobNotFoundError);
  const says = 'Cannot submit job: job "no\\"ne", for which it is to wait, does not exist; submit that first';
  assertEquals(message, says);
});

Deno.test("submitJob refuses a job when its queue is full, and says how full", async () => {
  for (const [waiting, what] of [[1, "1 job waits"], [2, "2 jobs wait"]] as const) {
    const store = new FakeStore();
    for (let i = 0; i < waiting; i++) await submitJob(store, { ...JOB, id: String(i) }, { maxQueued: waiting });
    const submit = () => submitJob(store, { ...JOB, id: "more" }, { maxQueued: waiting });
    const { message } = await assertRejects(submit, QueueFullError);
    const most = `and ${waiting} is the most; try again when some have started`;
    assertEquals(message, `Cannot submit: ${what} for runner "build" already, ${most}`);
    assertEquals(store.jobs.has("more"), false);
  }
});
