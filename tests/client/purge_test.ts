import { purgeJobs, type PurgeProgress } from "../../src/client/purge.ts";
import type { PurgeQuery, PurgeReply } from "../../src/ports/job_store.ts";
import { FakeStore } from "../cli/fake_store.ts";
import { assertEquals, assertRejects } from "../support/assert.ts";

/** Purges a store that gives these replies, in turn. */
async function purge(query: Partial<PurgeQuery>, replies: PurgeReply[]) {
  const store = new FakeStore();
  const cursors: number[] = [];
  const steps: PurgeProgress[] = [];
  store.purge = (_, from) => {
    cursors.push(from);
    return Promise.resolve(replies.shift()!);
  };
  const full = { endedBeforeMs: 0, countOnly: false, ...query };
  const count = await purgeJobs(store, full, (step) => Promise.resolve(void steps.push(step)));
  return { count, cursors, steps };
}

Deno.test("purgeJobs goes on where each step ended, and adds up what was deleted", async () => {
  const replies = [
    { total: 10, scanned: 4, purged: 3, next: 1 },
    { total: 7, scanned: 4, purged: 1, next: 4 },
    { total: 6, scanned: 1, purged: 0, next: null },
  ];
  const { count, cursors, steps } = await purge({}, replies);
  assertEquals([count, cursors], [4, [0, 1, 4]]);
  // what was deleted is in the index no more, and was among all there were
  assertEquals([steps.map(({ scanned }) => scanned), steps.at(-1)!.total], [[4, 8, 9], 10]);
});

Deno.test("purgeJobs that only counts has the index as all there is", async () => {
  const replies = [
    { total: 10, scanned: 6, purged: 6, next: 6 },
    { total: 10, scanned: 4, purged: 4, next: null },
  ];
  const { count, steps } = await purge({ countOnly: true }, replies);
  assertEquals([count, steps], [10, [{ scanned: 6, total: 10 }, { scanned: 10, total: 10 }]]);
});

Deno.test("purgeJobs never says that there are fewer entries than it has scanned", async () => {
  const { count, steps } = await purge({}, [{ total: 1, scanned: 5, purged: 0, next: null }]);
  assertEquals([count, steps], [0, [{ scanned: 5, total: 5 }]]);
  assertEquals((await purge({}, [{ total: 0, scanned: 0, purged: 0, next: null }])).steps, [{ scanned: 0, total: 0 }]);
});

Deno.test("purgeJobs waits for its caller between two steps, and ends when that fails", async () => {
  const store = new FakeStore();
  let steps = 0;
  store.purge = () => Promise.resolve({ total: 9, scanned: 1, purged: 0, next: ++steps });
  const fail = () => Promise.reject(new Error("closed"));
  await assertRejects(() => purgeJobs(store, { endedBeforeMs: 0, countOnly: true }, fail), Error, "closed");
  assertEquals(steps, 1);
});
