import { checkBatchId, memberId, placeInBatch, readCounts } from "../../src/domain/batch.ts";
import { InvalidInputError } from "../../src/domain/errors.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";

Deno.test("placeInBatch reads the id of a member, also of a batch with dots", () => {
  assertEquals(placeInBatch(memberId("a.1", 20)), { batch: "a.1", index: 20 });
  for (const id of ["a", "a.", ".1", "a.0", "a.01", "a.1x"]) assertEquals(placeInBatch(id), null, id);
});

Deno.test("readCounts adds up the members that failed, and finds the highest exit code", () => {
  const none = { queued: 0, running: 0, ok: 0, failed: 0, timedOut: 0, cancelled: 0, lost: 0, skipped: 0 };
  const fields = { "n:q": "2", "n:failed:3": "1", "n:failed:7": "4", "n:timed-out": "0", "n:odd": "9", size: "5" };
  assertEquals(readCounts(fields), { counts: { ...none, queued: 2, failed: 5 }, highest: 7 });
  assertEquals(readCounts({ "n:failed:3": "1", "n:skipped": "1" }).highest, 123);
  assertEquals(readCounts({}), { counts: none, highest: 0 });
});

Deno.test("checkBatchId leaves room for the index of a member", () => {
  checkBatchId("x".repeat(500));
  assertThrows(() => checkBatchId("x".repeat(501)), InvalidInputError, "the id of a batch has at most 500");
  assertThrows(() => checkBatchId("@x"), InvalidInputError);
});
