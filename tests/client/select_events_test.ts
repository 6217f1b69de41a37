import { eventsOfFitting, eventsOfJobs } from "../../src/client/select_events.ts";
import { FakeStore } from "../cli/fake_store.ts";
import { assertEquals } from "../support/assert.ts";

function storeWith(): FakeStore {
  const store = new FakeStore();
  store.put("a", { status: "finished" });
  store.put("b", { status: "error" });
  for (const id of ["a", "gone", "b", "a"]) store.happen({ id });
  return store;
}

Deno.test("eventsOfJobs() selects events by id, also of a job that has left", async () => {
  const events = await eventsOfJobs([{ id: "a", batch: null }, { id: "gone", batch: null }])(storeWith().events);
  assertEquals(events.map(({ id }) => id), ["a", "gone", "a"]);
});

Deno.test("eventsOfJobs() selects a batch with its members, and a job without those of similar names", async () => {
  const store = storeWith();
  for (const id of ["x", "x.1", "x.20", "x.1.1", "x.0", "y.1", "y"]) store.happen({ id });
  const found = [{ id: "x", batch: { id: "x", fields: {} } }, { id: "y", batch: null }];
  assertEquals((await eventsOfJobs(found)(store.events)).map(({ id }) => id), ["x", "x.1", "x.20", "y"]);
});

Deno.test("eventsOfFitting() goes by the job as it is now, and reads each once", async () => {
  const store = storeWith();
  const reads: (readonly string[])[] = [];
  const summaries = store.summaries.bind(store);
  store.summaries = (ids) => {
    reads.push(ids);
    return summaries(ids);
  };
  const narrow = eventsOfFitting(store, { outcomes: ["ok"] });
  assertEquals((await narrow(store.events)).map(({ id }) => id), ["a", "a"]);
  assertEquals(reads, [["a", "gone", "b"]]);
  store.change("b", { status: "finished" });
  assertEquals((await narrow(store.events)).map(({ id }) => id), ["a", "b", "a"]);
});
