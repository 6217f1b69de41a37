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
  const events = await eventsOfJobs(["a", "gone"])(storeWith().events);
  assertEquals(events.map(({ id }) => id), ["a", "gone", "a"]);
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
