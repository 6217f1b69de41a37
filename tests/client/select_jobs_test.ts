import { everyId, fittingJobs, resolveSelection, selectJobs, waitingUnindexed } from "../../src/client/select_jobs.ts";
import { InvalidInputError, JobNotFoundError } from "../../src/domain/errors.ts";
import { FakeStore } from "../cli/fake_store.ts";
import { assertEquals, assertRejects } from "../support/assert.ts";

/** Jobs `a` to `e` in the index, of which a queue holds `d` and `e`, and `foreign`, which is only in that queue. */
function storeWith(): FakeStore {
  const store = new FakeStore();
  for (const id of ["a", "b", "c"]) store.put(id, { status: "finished", runner: "r" });
  for (const id of ["d", "e"]) store.put(id, { status: "dispatched", runner: "r" });
  store.put("foreign", { payload: "x" });
  store.unindexed = ["foreign"];
  store.queued = [{ runner: "q", ids: ["e", "foreign", "d"] }, { runner: "p", ids: ["e"] }];
  return store;
}

Deno.test("everyId() yields each id once, those of queues first", async () => {
  const pages = await Array.fromAsync(everyId(storeWith(), {}));
  assertEquals(pages.flatMap(({ ids, queue }) => ids.map((id) => `${id} ${queue}`)), [
    ...["e q", "foreign q", "d q", "a null", "b null", "c null"],
  ]);
});

Deno.test("selectJobs() returns the oldest of each queue first, and reports its progress", async () => {
  const steps: number[][] = [];
  const jobs = await selectJobs(storeWith(), {}, ({ scanned, total }) => void steps.push([scanned, total]));
  assertEquals(jobs.map(({ id }) => id), ["d", "foreign", "e", "a", "b", "c"]);
  assertEquals(jobs[1], { id: "foreign", status: "dispatched", queue: "q" });
  assertEquals(steps, [[3, 5], [3, 5], [5, 5], [6, 6], [6, 6]]);
});

Deno.test("a job without a runner is that of the queue that holds it", async () => {
  const found = async (runner: string) =>
    (await Array.fromAsync(fittingJobs(storeWith(), { runner }))).map(({ job }) => job.id);
  assertEquals([await found("q"), await found("r")], [["foreign"], ["e", "d", "a", "b", "c"]]);
});

Deno.test("waitingUnindexed() reads only what the index does not have, up to a number", async () => {
  const store = storeWith();
  assertEquals((await waitingUnindexed(store, {}, 10)).map(({ id, runner }) => [id, runner]), [["foreign", "q"]]);
  store.queued = [{ runner: "q", ids: ["foreign"] }, { runner: "q", ids: ["b", "foreign"] }];
  assertEquals((await waitingUnindexed(store, {}, 1)).map(({ id }) => id), ["foreign"]);
});

Deno.test("resolveSelection() finds named jobs or those that fit, and refuses an empty selection", async () => {
  const store = storeWith();
  const ids = async (selection: Parameters<typeof resolveSelection>[1]) =>
    (await resolveSelection(store, selection, "cancel")).map(({ id }) => id);
  assertEquals(await ids({ ids: ["@", "for"] }), ["e", "foreign"]);
  assertEquals(await ids({ ids: [] }), []);
  // of a batch its members, and not a job that got the id of one
  store.batches.records.set("grid", { size: "3", stored: "3" });
  store.put("grid.1", { status: "error" }, { as: "failed:1" });
  store.put("grid.2", { status: "error" });
  assertEquals(await ids({ ids: ["grid", "grid.1"] }), ["grid.1"]);
  assertEquals(await ids({ states: ["finished"] }), ["a", "b", "c"]);
  await assertRejects(() => ids({ ids: ["none"] }), JobNotFoundError);
  await assertRejects(() => ids({ states: ["odd"] }), InvalidInputError, "Cannot cancel jobs: state");
  await assertRejects(() => ids({}), InvalidInputError, "Cannot cancel jobs: the selection is empty; give ids or a");
});
