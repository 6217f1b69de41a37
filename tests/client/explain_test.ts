import { explainJob } from "../../src/client/explain.ts";
import type { Placement, StoredJob, StoredQueue } from "../../src/ports/job_store.ts";
import { anInstance, FakeStore } from "../cli/fake_store.ts";
import { assertEquals } from "../support/assert.ts";

const NOWHERE: Placement = { ahead: null, dueMs: null, claimedBy: null };
const serialKeyOf = () => null;

const queue = (runner: string, paused = false): StoredQueue => ({ runner, queued: 1, delayed: 0, parked: 0, paused });

function job(fields: StoredJob["fields"], meta: Record<string, string> = {}): StoredJob {
  return { id: "j", fields: { runner: "r", status: "dispatched", ...fields }, meta };
}

async function why(store: FakeStore, subject: StoredJob): Promise<string> {
  return (await explainJob(store, subject, { serialKeyOf })).why;
}

Deno.test("explainJob finds the queue of a job that names no runner", async () => {
  const store = new FakeStore();
  store.queueList = [queue("a"), queue("b", true), queue("c")];
  const asked: (string | undefined)[] = [];
  store.place = (subject?: StoredJob) => {
    asked.push(subject?.meta.runner);
    return Promise.resolve(subject?.meta.runner === "b" ? { ...NOWHERE, ahead: 0 } : NOWHERE);
  };
  assertEquals(await why(store, job({ runner: "" })), "its queue is paused; it is the next one");
  assertEquals(asked, ["test_runner", "a", "b"]);
});

Deno.test("explainJob tries each queue once, and twenty of them at the most", async () => {
  const store = new FakeStore();
  store.queueList = ["test_runner", ...Array.from({ length: 30 }, (_, i) => `q${i}`)].map((name) => queue(name));
  store.instanceList = [anInstance({ runner: "q0" })];
  const asked: (string | undefined)[] = [];
  store.place = (subject?: StoredJob) => {
    asked.push(subject?.meta.runner);
    return Promise.resolve(NOWHERE);
  };
  const lost = "is in no queue: it was stored and never pushed, or became a dead letter";
  assertEquals(await why(store, job({ runner: "" })), lost);
  // and at last where it says itself, which is nowhere
  assertEquals(asked, ["test_runner", ...Array.from({ length: 19 }, (_, i) => `q${i}`), undefined]);
});

Deno.test("explainJob names the instance that has an attempt, and none for a job that waits", async () => {
  const store = new FakeStore();
  const own = anInstance({ instance: "own" });
  store.instanceList = [anInstance(), own];
  const owner = async (status: string, meta: Record<string, string> = { instance: "own" }) =>
    (await explainJob(store, job({ status }, meta), { serialKeyOf })).owner;
  for (const status of ["started", "finished", "error"]) assertEquals(await owner(status), own, status);
  assertEquals([await owner("dispatched"), await owner("error", {}), await owner("")], [null, null, null]);
  assertEquals(await why(store, job({ status: "error" }, { instance: "own" })), "");
});

Deno.test("explainJob says how to reply to a job that waits for input, with its id as one word", async () => {
  const store = new FakeStore();
  store.instanceList = [anInstance()];
  const meta = { instance: "inst-1", token: "1.a", input_ms: "5" };
  for (const [id, word] of [["a b", "'a b'"], ["-x", "ID"], ["a\u202eb", "ID"]]) {
    const reason = await why(store, { ...job({ status: "started" }, meta), id });
    assertEquals(reason, `waiting for input on alpha; answer it: runner send ${word} TEXT --enter`);
  }
  const stopped = job({ status: "started" }, { ...meta, cancel: "" });
  assertEquals(await why(store, stopped), "is being stopped on alpha");
});

Deno.test("explainJob says first what keeps a claimed job longest", async () => {
  const store = new FakeStore();
  store.placement = { ...NOWHERE, claimedBy: "inst-1", ahead: 3, dueMs: 5 };
  store.put("busy", { status: "started", executor: "tmux.a" }, { instance: "inst-1" });
  const explain = async () =>
    (await explainJob(store, job({ runner: "test_runner", executor: "tmux.a" }), { serialKeyOf: (text) => text })).why;
  assertEquals(await explain(), "was taken by a runner that has gone silent; another one takes it over");
  store.instanceList = [anInstance()];
  assertEquals(await explain(), 'waits on alpha for tmux.a, busy with job "busy"');
  store.queueList = [queue("test_runner", true)];
  assertEquals(await explain(), "was taken by the runner on alpha, and its queue is paused");
});

Deno.test("explainJob writes points in time as its caller wants them", async () => {
  const store = new FakeStore();
  store.placement = { ...NOWHERE, dueMs: 86_400_000 };
  assertEquals(await why(store, job({})), "it is delayed until 1970-01-02T00:00:00.000Z");
  const { why: own } = await explainJob(store, job({}, { attempt: "0" }), { serialKeyOf, time: (ms) => `day ${ms}` });
  assertEquals(own, "it is delayed until day 86400000");
});

Deno.test("explainJob finds what occupies the terminal of a claimed job that names no runner", async () => {
  const store = new FakeStore();
  store.queueList = [queue("a"), queue("b")];
  store.instanceList = [anInstance({ runner: "b" })];
  store.place = (subject?: StoredJob) =>
    Promise.resolve(subject?.meta.runner === "b" ? { ...NOWHERE, claimedBy: "inst-1" } : NOWHERE);
  store.put("busy", { status: "started", executor: "tmux.a" }, { instance: "inst-1" });
  const { running } = store;
  store.running = (runner, instance) => runner === "b" ? running.call(store, runner, instance) : Promise.resolve([]);
  const subject = job({ runner: "", executor: "tmux.a" });
  const { why } = await explainJob(store, subject, { serialKeyOf: (text) => text });
  assertEquals(why, 'waits on alpha for tmux.a, busy with job "busy"');
});

Deno.test("explainJob says what a limit waits for: its holders, data that were lost, and that of a queue", async () => {
  const store = new FakeStore();
  const parked = job({}, { parked: "gpu\nr" });
  const noRunner = 'no runner "r" is alive; start one: runner run --name r';
  assertEquals(await why(store, parked), noRunner);
  store.instanceList = [anInstance({ runner: "r" })];
  assertEquals(
    await why(store, parked),
    "waits for limit gpu, which has room: 0 of 1 held; it is queued again within a minute",
  );
  const holders = ["a", "b", "c", "d"].map((id, number) => ({ id, number, runner: "r", instance: "i" }));
  store.limits.change("gpu", { n: 4, held: 4, holders });
  assertEquals(await why(store, parked), 'waits for limit gpu: 4 of 4 held by "a", "b", "c" and 1 more');
  store.limits.change("batch:b", { n: 2, held: 2, holders: holders.slice(0, 2) });
  const member = job({}, { parked: "batch:b\nr" });
  assertEquals(await why(store, member), 'waits for other members of batch b: 2 of 2 held by "a", "b"');
  store.limits.heldMs = 30_500;
  assertEquals(
    await why(store, parked),
    "waits for limit gpu: Redis may have lost which jobs hold it, and for another 31 s their runners report them",
  );
  store.limits.heldMs = 0;
  store.limits.change("gpu", { n: 5 });
  store.queueList = [queue("r", true)];
  assertEquals(
    await why(store, parked),
    'its queue is paused; waits for limit gpu: 4 of 5 held by "a", "b", "c" and 1 more',
  );
  store.queueList = [];
  store.limits.change("gpu", { n: 0 });
  assertEquals(await why(store, parked), "waits for limit gpu, which is 0: no job with it starts");
  store.placement = { ...NOWHERE, ahead: 2 };
  store.limits.change("runner:r", { n: 3, held: 3 });
  assertEquals(await why(store, job({})), "is in the queue; 2 jobs before it", "never set");
  store.limits.change("runner:r", { isSet: true });
  assertEquals(await why(store, job({})), "waits for limit runner:r: 3 of 3 run; 2 jobs before it");
  store.limits.change("runner:r", { n: 0 });
  assertEquals(
    await why(store, job({})),
    "waits for limit runner:r, which is 0: nothing of this queue starts; 2 jobs before it",
  );
  store.limits.change("runner:r", { n: 4 });
  assertEquals(await why(store, job({})), "is in the queue; 2 jobs before it");
});
