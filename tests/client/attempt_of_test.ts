import { attemptOf } from "../../src/client/attempt_of.ts";
import type { StoredJob } from "../../src/ports/job_store.ts";
import { assertEquals } from "../support/assert.ts";

const EARLIER = "2.b other - r\n1.a i 6 my runner";

function jobWith(meta: Record<string, string>): StoredJob {
  return { id: "j", fields: { id: "j" }, meta };
}

Deno.test("attemptOf returns the newest attempt as the job has it, unless its owner has lost it", () => {
  const job = jobWith({ attempt: "3", token: "3.c", instance: "i", runner: "r" });
  assertEquals(attemptOf(job, 3), { job, total: null });
  assertEquals(attemptOf(jobWith({ attempt: "3", token: "0", instance: "i" }), 3), null);
  assertEquals(attemptOf(jobWith({}), 0), null);
});

Deno.test("attemptOf returns an earlier attempt with the instance that ran it, and its bytes", () => {
  const meta = { attempt: "3", token: "3.c", instance: "i3", runner: "r3", title: "t", earlier: EARLIER };
  const found = [1, 2].map((number) => attemptOf(jobWith(meta), number));
  assertEquals(found.map((of) => [of?.job.meta, of?.total]), [
    [{ ...meta, attempt: "1", token: "1.a", instance: "i", runner: "my runner", output_bytes: "6" }, 6],
    [{ ...meta, attempt: "2", token: "2.b", instance: "other", runner: "r" }, null],
  ]);
});

Deno.test("attemptOf returns nothing for an attempt that is not on record, or of which the record is torn", () => {
  assertEquals(attemptOf(jobWith({ attempt: "12", token: "12.c", instance: "i", earlier: EARLIER }), 4), null);
  for (const earlier of ["", "1.a", "1", "x i 6 r"]) {
    assertEquals(attemptOf(jobWith({ attempt: "2", token: "2.b", instance: "i", earlier }), 1), null, earlier);
  }
});
