import { cancelJob } from "../../src/client/cancel.ts";
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
