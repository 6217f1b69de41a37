import { cancelJob, cancelJobs } from "../../src/client/cancel.ts";
import { selectJobs } from "../../src/client/select_jobs.ts";
import { InvalidInputError } from "../../src/domain/errors.ts";
import { FakeStore } from "../cli/fake_store.ts";
import { assertEquals, assertRejects } from "../support/assert.ts";

Deno.test("cancelJob() refuses a reason that is too long, and changes nothing then", async () => {
  const store = new FakeStore();
  store.put("a", { status: "dispatched", runner: "r" });
  const { message } = await assertRejects(() => cancelJob(store, "a", "ü".repeat(501)), InvalidInputError);
  assertEquals(message, "Cannot cancel job: the reason has 1002 bytes, more than 1000; shorten it");
  assertEquals(store.cancelled, []);
  assertEquals(await cancelJob(store, "a", "ü".repeat(500)), "cancelled");
});

Deno.test("cancelJobs cancels a job before those that it waits for: none starts because of a cancellation", async () => {
  const store = new FakeStore();
  store.put("a", { status: "dispatched", runner: "r" });
  store.put("b", { status: "dispatched", runner: "r" }, { "after:a": "ended" });
  store.put("c", { status: "dispatched", runner: "r" }, { "after:b": "ended" });
  // delayed jobs come before those in the queue
  store.queued = [{ runner: "r", ids: ["c", "b"] }, { runner: "r", ids: ["a"] }];
  const filter = { states: ["queued"] };
  await cancelJobs(store, await selectJobs(store, filter), { filter, reason: "", onResult: () => {} });
  assertEquals(store.cancelled.map(([id]) => id), ["c", "b", "a"]);
});
