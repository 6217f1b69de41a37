import { type JobQuery, listJobs } from "../../src/client/list_jobs.ts";
import { anInstance, FakeStore } from "../cli/fake_store.ts";
import { assertEquals } from "../support/assert.ts";

const time = (ms: number) => new Date(ms).toISOString();

/** Jobs `0` (oldest) to `count - 1`, created a second apart; every tenth has failed. */
function storeWith(count: number): FakeStore {
  const store = new FakeStore();
  for (let i = 0; i < count; i++) {
    store.put(String(i), { status: i % 10 === 0 ? "error" : "finished", runner: "r", created_at: time(i * 1_000) });
  }
  return store;
}

function countReads(store: FakeStore) {
  const reads: [count: number, offset: number][] = [];
  const newest = store.newest.bind(store);
  store.newest = (count, offset = 0) => {
    reads.push([count, offset]);
    return newest(count, offset);
  };
  return reads;
}

async function list(store: FakeStore, query: Partial<JobQuery>) {
  const { jobs, ...rest } = await listJobs(store, { count: 3, among: 10_000, ...query }, store.instanceList);
  return { ids: jobs.map(({ id }) => id), ...rest };
}

Deno.test("listJobs reads only as many of the newest jobs as it lists, when it has no condition", async () => {
  const store = storeWith(30);
  const reads = countReads(store);
  assertEquals(await list(store, {}), { ids: ["29", "28", "27"], complete: true, counts: null });
  assertEquals(await list(store, { among: 2 }), { ids: ["29", "28"], complete: true, counts: null });
  assertEquals(await list(store, { count: 0 }), { ids: [], complete: true, counts: null });
  assertEquals(reads, [[4, 0], [3, 0]]);
});

Deno.test("listJobs goes back page by page until it has enough, and no further than it may", async () => {
  const store = storeWith(2_500);
  const reads = countReads(store);
  const failed = { states: ["failed"] };
  assertEquals((await list(store, failed)).ids, ["2490", "2480", "2470"]);
  assertEquals(reads.splice(0), [[1_001, 0]]);
  assertEquals((await list(store, { ...failed, count: 101 })).ids.at(-1), "1490");
  assertEquals(reads.splice(0), [[1_001, 0], [1_001, 1_000]]);
  const { complete } = await list(store, { ...failed, count: 1_000, among: 1_500 });
  assertEquals([complete, reads.splice(0)], [false, [[1_001, 0], [501, 1_000]]]);
  assertEquals((await list(store, { ...failed, count: 1_000, among: 2_499 })).complete, false);
  assertEquals((await list(store, { ...failed, count: 1_000, among: 2_500 })).complete, true);
});

Deno.test("listJobs counts the jobs that fit among the newest 2,000, and says whether those are all", async () => {
  const counted: Partial<JobQuery> = { states: ["failed"], count: 1, counted: true };
  assertEquals((await list(storeWith(30), counted)).counts, { scanned: 30, fitting: 3, isAll: true });
  assertEquals((await list(storeWith(3_000), counted)).counts, { scanned: 2_000, fitting: 200, isAll: false });
  const since = { ...counted, sinceMs: 1_999_000 };
  assertEquals((await list(storeWith(3_000), since)).counts, { scanned: 2_000, fitting: 100, isAll: true });
  assertEquals((await list(storeWith(30), { ...counted, states: [] })).counts, null);
});

Deno.test("listJobs ends at the first page that is older than asked for", async () => {
  const store = storeWith(3_000);
  const reads = countReads(store);
  const { ids, complete } = await list(store, { sinceMs: 2_500_000, count: 1_000 });
  // first the ids alone, to find jobs in queues that are not among them
  assertEquals([ids.length, ids.at(-1), complete, reads], [500, "2500", true, [[10_000, 0], [1_001, 0]]]);
});

Deno.test("listJobs puts jobs that wait for input first, however old they are, unless it sorts", async () => {
  const store = new FakeStore();
  store.instanceList = [anInstance(), anInstance({ instance: "idle", running: 0 })];
  const asked: string[] = [];
  const running = store.running.bind(store);
  store.running = (runner, instance) => {
    asked.push(instance);
    return running(runner, instance);
  };
  const asks = { instance: "inst-1", token: "1.a", input_ms: "5", started_ms: "7" };
  store.put("asks", { status: "started", created_at: time(0) }, asks);
  store.put("runs", { status: "started", created_at: time(1_000) }, { instance: "inst-1", started_ms: "9" });
  for (const id of ["a", "b"]) store.put(id, { status: "finished", created_at: time(9_000) });
  assertEquals((await list(store, { count: 2 })).ids, ["asks", "b"]);
  assertEquals((await list(store, { states: ["waiting"], among: 1 })).ids, ["asks"]);
  assertEquals((await list(store, { states: ["running"], among: 1 })).ids, ["asks", "runs"]);
  assertEquals((await list(store, { states: ["started"], sort: "started", among: 1 })).ids, ["runs", "asks"]);
  assertEquals(asked.includes("idle"), false);
});

Deno.test("listJobs leaves out a job that left Redis while it read", async () => {
  const store = storeWith(3);
  const newest = store.newest.bind(store);
  store.newest = async (count, offset) => ["gone", ...await newest(count, offset)];
  assertEquals((await list(store, { count: 10 })).ids, ["2", "1", "0"]);
});

Deno.test("listJobs with a condition lists jobs that only a queue holds", async () => {
  const store = storeWith(3);
  store.put("foreign", { payload: "x" });
  store.unindexed = ["foreign"];
  store.queued = [{ runner: "q", ids: ["foreign", "0"] }];
  assertEquals((await list(store, { runner: "q" })).ids, ["foreign"]);
  assertEquals((await list(store, { states: ["queued"] })).ids, ["foreign"]);
  assertEquals((await list(store, { states: ["failed"] })).ids, ["0"]);
  assertEquals((await list(store, {})).ids, ["2", "1", "0"]);
});

Deno.test("listJobs says of a sorted list whether older jobs could belong to it", async () => {
  const store = storeWith(30);
  const sorted = { sort: "took", count: 1 } as const;
  assertEquals((await list(store, { ...sorted, among: 10 })).complete, false);
  assertEquals((await list(store, { ...sorted, among: 30 })).complete, true);
});

Deno.test("listJobs with the state skipped has the jobs that ended because of others, which have failed as well", async () => {
  const store = new FakeStore();
  store.put("failed", { status: "error" });
  store.put("skipped", { status: "error" }, { skipped: "1" });
  store.put("again", { status: "dispatched" }, { skipped: "1" });
  const idsOf = async (state: string) =>
    (await listJobs(store, { states: [state], count: 9, among: 9 })).jobs.map(({ id }) => id);
  assertEquals(await idsOf("skipped"), ["skipped"]);
  assertEquals((await idsOf("failed")).toSorted(), ["failed", "skipped"]);
});
