import { countPurged, type PurgeAll, purgeJobs, purgeNamed } from "../../src/client/purge.ts";
import type { ScanProgress } from "../../src/client/select_jobs.ts";
import type { PurgeQuery } from "../../src/ports/job_store.ts";
import { FakeStore } from "../cli/fake_store.ts";
import { assertEquals, assertRejects } from "../support/assert.ts";

/** Five jobs in the index, of which `runs` has not ended, and one that only a queue holds. */
function storeWith(): FakeStore {
  const store = new FakeStore();
  store.put("a", { status: "finished", runner: "r" }, { "label:nightly": "" });
  store.put("b", { status: "error", runner: "r" }, { "label:nightly": "" });
  store.put("runs", { status: "started", runner: "r" });
  store.put("parent", { status: "finished", runner: "r" });
  store.put("child", { status: "dispatched", runner: "r" }, { "after:parent": "finished" });
  store.put("still", { status: "error", runner: "q" }, { token: "1.x" });
  store.put("foreign", { status: "finished" });
  store.unindexed = ["foreign"];
  store.queued = [{ runner: "q", ids: ["foreign", "child"] }];
  return store;
}

/** Purges, and records what was read, in which queries. */
async function purge(store: FakeStore, options: Partial<PurgeAll>) {
  const queries: PurgeQuery[] = [];
  const steps: ScanProgress[] = [];
  const found: string[] = [];
  const real = store.purge.bind(store);
  store.purge = (query, ids) => {
    queries.push(query);
    return real(query, ids);
  };
  const purged = await purgeJobs(store, {
    ...{ filter: {}, endedBeforeMs: 9e12, countOnly: false },
    onScanned: (step) => void steps.push(step),
    onFound: (ids) => void found.push(...ids),
    ...options,
  });
  return { purged, queries, steps, found };
}

Deno.test("purgeJobs deletes ended jobs in the index and in queues, and counts those that it keeps", async () => {
  const store = storeWith();
  const { purged, steps, found } = await purge(store, {});
  assertEquals(purged, { deleted: 3, running: 1, awaited: 1 });
  assertEquals(found, ["foreign", "a", "b"]);
  assertEquals([...store.jobs.keys()], ["runs", "parent", "child", "still"]);
  assertEquals(steps, [{ scanned: 2, total: 6 }, { scanned: 4, total: 6 }, { scanned: 6, total: 6 }, {
    scanned: 7,
    total: 7,
  }]);
});

Deno.test("purgeJobs that only counts deletes nothing", async () => {
  const store = storeWith();
  assertEquals((await purge(store, { countOnly: true })).purged, { deleted: 3, running: 1, awaited: 1 });
  assertEquals(store.jobs.size, 7);
});

Deno.test("purgeJobs leaves state and runner to the step that deletes, and reads jobs for other conditions", async () => {
  const store = storeWith();
  let reads = 0;
  const summaries = store.summaries.bind(store);
  store.summaries = (ids) => {
    reads++;
    return summaries(ids);
  };
  const { purged, queries } = await purge(store, { filter: { states: ["failed", "queued"], runner: "r" } });
  assertEquals([purged.deleted, reads], [1, 0]);
  assertEquals([queries[0].state, queries[0].runner], ["error", "r"]);
  assertEquals((await purge(store, { filter: { states: ["running", "queued"] } })).queries, []);
  assertEquals((await purge(store, { filter: { states: ["error", "finished"] } })).queries[0].state, undefined);
  const labelled = storeWith();
  assertEquals((await purge(labelled, { filter: { labels: { nightly: null } } })).found, ["a", "b"]);
});

Deno.test("purgeJobs waits for its caller between two steps, and ends when that fails", async () => {
  const store = storeWith();
  const onScanned = () => Promise.reject(new Error("closed"));
  await assertRejects(() => purge(store, { onScanned }), Error, "closed");
  assertEquals(store.jobs.has("a"), true);
});

Deno.test("purgeNamed deletes a job that ended in this very millisecond", async () => {
  const store = new FakeStore();
  store.put("now", { status: "finished" }, { ended_ms: "1000" });
  store.put("later", { status: "finished" }, { ended_ms: "1001" });
  const replies = await purgeNamed(store, ["now", "later", "none"], 1_000);
  assertEquals(replies, ["deleted", "other", "missing"]);
  assertEquals(countPurged([...replies, "running", "awaited"]), { deleted: 1, running: 1, awaited: 1 });
});

Deno.test("purgeJobs of skipped jobs deletes no other failed job", async () => {
  const store = storeWith();
  store.put("skipped", { status: "error", runner: "r" }, { skipped: "1" });
  const { found } = await purge(store, { filter: { states: ["skipped"] } });
  assertEquals(found, ["skipped"]);
  assertEquals((await purge(store, { filter: { states: ["finished", "skipped"] } })).found, ["foreign", "a"]);
  assertEquals(store.jobs.has("b"), true);
});
