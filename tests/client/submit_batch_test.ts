import { submitBatch } from "../../src/client/submit_batch.ts";
import type { BatchSubmission } from "../../src/ports/batches.ts";
import { FakeStore } from "../cli/fake_store.ts";
import { assertEquals, assertRejects } from "../support/assert.ts";
import { unavailable } from "../support/unavailable.ts";

const batch: BatchSubmission = {
  ...{ id: "b", size: 5, definition: "x", params: [], member: () => ({ env: {} }) },
  shared: { payload: "true", runner: "r", executor: "tmux.main" },
};

Deno.test("submitBatch stores all pages, and reports how far it is", async () => {
  const store = new FakeStore();
  const stored: number[] = [];
  assertEquals(await submitBatch(store, batch, { onStored: (count) => void stored.push(count) }), {
    id: "b",
    queued: true,
  });
  assertEquals(stored, [2, 4, 5]);
  assertEquals(await submitBatch(store, batch), { id: "b", queued: false });
});

Deno.test("submitBatch goes on where another client ended", async () => {
  const store = new FakeStore();
  await store.batches.batchSubmit(batch, 1);
  const stored: number[] = [];
  assertEquals((await submitBatch(store, batch, { onStored: (count) => void stored.push(count) })).queued, true);
  assertEquals(stored, [2, 4, 5]);
});

Deno.test("submitBatch ends with an outage, and the next call completes the batch", async () => {
  const store = new FakeStore();
  const original = store.batches.batchSubmit.bind(store.batches);
  store.batches.batchSubmit = (...args) => args[1] === 3 ? Promise.reject(unavailable("gone")) : original(...args);
  await assertRejects(() => submitBatch(store, batch));
  store.batches.batchSubmit = original;
  assertEquals((await submitBatch(store, batch)).queued, true);
  assertEquals(store.batches.records.get("b")!.stored, "5");
});
