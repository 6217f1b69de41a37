import { retryJob, retryJobs } from "../../src/client/retry.ts";
import { InvalidInputError, JobNotFoundError } from "../../src/domain/errors.ts";
import type { RetryReply } from "../../src/ports/job_store.ts";
import { FakeStore } from "../cli/fake_store.ts";
import { assertEquals, assertRejects } from "../support/assert.ts";

function retry(reply: RetryReply, id = "j") {
  const store = new FakeStore();
  store.retry = () => Promise.resolve(reply);
  return retryJob(store, id);
}

Deno.test("retryJob says what became of the job", async () => {
  const rows: [RetryReply, Awaited<ReturnType<typeof retryJob>>][] = [
    [{ type: "OK" }, { result: "queued" }],
    [{ type: "WAITS", after: ["a"] }, { result: "waits", after: ["a"] }],
    [{ type: "NEVER", after: "a", failed: true }, { result: "blocked", after: "a", state: "error" }],
    [{ type: "NEVER", after: "a", failed: false }, { result: "blocked", after: "a", state: "missing" }],
    [{ type: "ALIVE", status: "started" }, { result: "not_ended", status: "started" }],
  ];
  for (const [reply, result] of rows) assertEquals(await retry(reply), result);
});

Deno.test("retryJob refuses a job that is not there, has no payload or names no runner", async () => {
  const missing = await assertRejects(() => retry({ type: "MISSING" }, 'a"b'), JobNotFoundError);
  assertEquals(missing.message, 'Cannot retry job "a\\"b": no job of this namespace has that id');
  const rows: ["EMPTY" | "NOWHERE", string][] = [
    ["EMPTY", "its payload is gone, as Redis had lost the job; submit it again"],
    ["NOWHERE", "it names no runner and none has run it; set its field runner in Redis"],
  ];
  for (const [type, reason] of rows) {
    const { message } = await assertRejects(() => retry({ type }), InvalidInputError);
    assertEquals(message, `Cannot retry job "j": ${reason}`);
  }
});

Deno.test("retryJobs retries a whole chain in any order, and ends when jobs wait for each other", async () => {
  const store = new FakeStore();
  for (const [id, after] of [["c", "b"], ["b", "a"], ["a", ""], ["x", "y"], ["y", "x"], ["z", "gone"]]) {
    store.put(id, { status: "error", runner: "r" }, after === "" ? {} : { [`after:${after}`]: "finished" });
  }
  const results: string[] = [];
  const jobs = [...store.jobs.keys()].map((id) => ({ id, status: "error", queue: null }));
  await retryJobs(store, jobs, { filter: {}, onResult: (id, result) => void results.push(`${id} ${result}`) });
  assertEquals(results, ["a queued", "z blocked", "b waits", "c waits", "x blocked", "y blocked"]);
});
