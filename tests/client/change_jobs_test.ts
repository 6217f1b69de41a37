import { changeJobs, Tally } from "../../src/client/change_jobs.ts";
import { UnavailableError } from "../../src/domain/errors.ts";
import { FakeStore } from "../cli/fake_store.ts";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";

function storeWith(count: number): { store: FakeStore; jobs: { id: string; status: string; queue: null }[] } {
  const store = new FakeStore();
  const jobs = Array.from({ length: count }, (_, i) => ({ id: `j${i}`, status: "dispatched", queue: null }));
  for (const { id } of jobs) store.put(id, { status: "dispatched", runner: "r" });
  return { store, jobs };
}

Deno.test("changeJobs() changes many side by side, but not all at once, and reports in order", async () => {
  const { store, jobs } = storeWith(1_000);
  let [now, most] = [0, 0];
  const order: string[] = [];
  await changeJobs<"done">(store, jobs, {
    filter: {},
    change: async () => {
      most = Math.max(most, ++now);
      await Promise.resolve();
      now--;
      return "done";
    },
    onResult: (id) => void order.push(id),
  });
  assertEquals(order, jobs.map(({ id }) => id));
  assert(most > 100 && most < 500, String(most));
});

Deno.test("changeJobs() leaves alone what no longer fits or is gone, and goes on past foreign values", async () => {
  const { store, jobs } = storeWith(4);
  store.jobs.delete("j0");
  store.change("j1", { status: "started" });
  const tally = new Tally();
  const changed: string[] = [];
  await changeJobs<"done">(store, jobs, {
    filter: { states: ["queued"] },
    change: ({ id }) => {
      changed.push(id);
      if (id === "j3") return Promise.resolve("done");
      return Promise.reject(Object.assign(new UnavailableError("odd"), { condition: "unfit" }));
    },
    onResult: (_, result) => tally.add(result),
  });
  assertEquals(changed, ["j2", "j3"]);
  assertEquals(tally.counts(), { gone: 1, changed: 1, unfit: 1, done: 1 });
  assertEquals(tally.of("gone", "unfit", "none"), 2);
});

Deno.test("changeJobs() reports all known results before it fails", async () => {
  const { store, jobs } = storeWith(3);
  const results: string[] = [];
  const change = changeJobs<"done">(store, jobs, {
    filter: {},
    change: ({ id }) => id === "j1" ? Promise.reject(new UnavailableError("gone")) : Promise.resolve("done"),
    onResult: (id) => void results.push(id),
  });
  await assertRejects(() => change, UnavailableError, "gone");
  assertEquals(results, ["j0", "j2"]);
});
