import { readOverview } from "../../src/client/overview.ts";
import type { StoredQueue } from "../../src/ports/job_store.ts";
import { anInstance, FakeStore } from "../cli/fake_store.ts";
import { assertEquals } from "../support/assert.ts";

const QUERY = { count: 200, among: 1_000 };
const queue = (runner: string): StoredQueue => ({ runner, queued: 1, delayed: 0, parked: 0, paused: false });

Deno.test("readOverview sorts runners and queues by name, and leaves the store's lists alone", async () => {
  const store = new FakeStore();
  store.instanceList = [["b", "x"], ["a", "y"], ["a", "x"]].map(([runner, host]) => anInstance({ runner, host }));
  store.queueList = [queue("c"), queue("a")];
  const { instances, queues } = await readOverview(store, QUERY);
  assertEquals(instances.map(({ runner, host }) => runner + host), ["ax", "ay", "bx"]);
  assertEquals(queues.map(({ runner }) => runner), ["a", "c"]);
  assertEquals([store.instanceList[0].runner, store.queueList[0].runner], ["b", "c"]);
});

Deno.test("readOverview of one runner shows that runner, its queue and its jobs", async () => {
  const store = new FakeStore();
  store.instanceList = [anInstance({ runner: "a" }), anInstance({ runner: "b" })];
  store.queueList = [queue("a"), queue("b")];
  for (const runner of ["a", "b"]) store.put(`of-${runner}`, { status: "finished", runner });
  const { instances, queues, jobs, nowMs } = await readOverview(store, { ...QUERY, runner: "b" });
  assertEquals([instances, queues, jobs].map((all) => all.map(({ runner }) => runner)), [["b"], ["b"], ["b"]]);
  assertEquals(nowMs, store.nowMs);
  const none = await readOverview(store, { ...QUERY, runner: "c" });
  assertEquals([none.instances, none.queues, none.jobs], [[], [], []]);
});

Deno.test("readOverview reads runners once, and the ends of the outputs of the first 100 failed jobs", async () => {
  const store = new FakeStore();
  for (let i = 0; i < 101; i++) store.put(`e${i}`, { status: "error", result: `end ${i}` });
  store.put("ok", { status: "finished", result: "fine" });
  let reads = 0;
  store.instances = () => Promise.resolve((reads++, []));
  const { endings, jobs } = await readOverview(store, QUERY);
  assertEquals([reads, jobs.length, endings.size], [1, 102, 100]);
  assertEquals([endings.get("e100"), endings.get("e1"), endings.get("e0")], ["end 100", "end 1", undefined]);
});

Deno.test("readOverview has the newest 100 dead letters", async () => {
  const store = new FakeStore();
  store.deadLetterList = Array.from({ length: 101 }, (_, i) => ({ id: String(i), reason: "odd", ms: i }));
  const { deadLetters } = await readOverview(store, QUERY);
  assertEquals([deadLetters.length, deadLetters[0].id], [100, "0"]);
});
