import { readStatistics } from "../../src/client/statistics.ts";
import { FakeStore } from "../cli/fake_store.ts";
import { assertEquals } from "../support/assert.ts";

const HOUR = 3_600_000;
const DAY = Date.UTC(2026, 0, 31);

/** Adds a job that was created, started and ended at these seconds of the day. */
function put(store: FakeStore, id: string, [created, started, ended]: number[], meta: Record<string, string> = {}) {
  const at = (seconds: number) => DAY + seconds * 1000;
  const fields = { runner: "r", status: "finished", created_at: new Date(at(created)).toISOString() };
  const ms = String((ended - started) * 1000);
  store.put(id, fields, { attempt: "1", started_ms: `${at(started)}`, ended_ms: `${at(ended)}`, ms, ...meta });
}

Deno.test("readStatistics returns nearest-rank percentiles of all jobs, then of each hour", async () => {
  const store = new FakeStore();
  for (let i = 1; i <= 20; i++) put(store, `a${i}`, [0, i, i + 10 * i]);
  put(store, "late", [3600, 3604, 3605]);
  store.change("late", { status: "error" });
  assertEquals(await readStatistics(store, { runner: "r", sinceMs: 0 }), [
    { hourMs: null, finished: 20, failed: 1, waiting: { p50: 10, p95: 19 }, running: { p50: 100, p95: 190 } },
    { hourMs: DAY + HOUR, finished: 0, failed: 1, waiting: { p50: 4, p95: 4 }, running: { p50: 1, p95: 1 } },
    { hourMs: DAY, finished: 20, failed: 0, waiting: { p50: 10, p95: 19 }, running: { p50: 100, p95: 190 } },
  ]);
});

Deno.test("readStatistics counts no job of another queue, none that runs, and none that is too old", async () => {
  const store = new FakeStore();
  put(store, "old", [0, 1, 2]);
  put(store, "other", [100, 101, 102]);
  store.change("other", { runner: "x" });
  put(store, "runs", [100, 101, 102]);
  store.change("runs", { status: "started" });
  put(store, "ours", [100, 101, 103]);
  const [all] = await readStatistics(store, { runner: "r", sinceMs: DAY + 50_000 });
  assertEquals(all, { hourMs: null, finished: 1, failed: 0, waiting: { p50: 1, p95: 1 }, running: { p50: 2, p95: 2 } });
});

Deno.test("readStatistics has no waiting time of a later attempt, and no duration of a job that never ran", async () => {
  const store = new FakeStore();
  put(store, "again", [0, 50, 51], { attempt: "2" });
  store.put("never", { runner: "r", status: "error", updated_at: new Date(DAY).toISOString() });
  put(store, "early", [10, 5, 6]); // by the clock of its client
  const [all] = await readStatistics(store, { runner: "r", sinceMs: 0 });
  assertEquals(all, { hourMs: null, finished: 2, failed: 1, waiting: { p50: 0, p95: 0 }, running: { p50: 1, p95: 1 } });
  const [none, ...hours] = await readStatistics(new FakeStore(), { runner: "r", sinceMs: 0 });
  assertEquals([none, hours], [{ hourMs: null, finished: 0, failed: 0, waiting: null, running: null }, []]);
});
