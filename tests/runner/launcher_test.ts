import { assertEquals } from "../support/assert.ts";
import { until } from "../support/until.ts";
import type { ActiveAttempt, RunnerSettings } from "../../src/runner/parts.ts";
import { type FakeRunner, fakeRunner } from "./fakes.ts";

/** A runner whose journal is writing an attempt; `written` ends that. */
async function beingWritten(
  settings: Partial<RunnerSettings> = {},
): Promise<{ runner: FakeRunner; active: ActiveAttempt; written: () => void }> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const runner = fakeRunner(settings, { journal: { begin: () => promise } });
  runner.queue.push("a", { executor: "fake.s", payload: "true" });
  runner.claimer.start();
  const active = await until("it is ours", () => runner.attempts.ofJob("a"));
  return { runner, active, written: resolve };
}

Deno.test("a job that is cancelled while it is being written into the journal is not launched", async () => {
  const { runner, active, written } = await beingWritten();
  await using _ = runner;
  active.cancelReason = "why";
  written();
  await until("it has ended", () => runner.queue.finished.length === 1);
  assertEquals([runner.executor.ids(), runner.queue.finished[0].error], [[], "cancelled: why"]);
});

Deno.test("a job that is taken away while it is being written into the journal is not launched, and not taken up later", async () => {
  const { runner, active, written } = await beingWritten();
  await using _ = runner;
  runner.attempts.remove(active);
  written();
  await until("it is settled", () => runner.journal.settled.length === 1);
  assertEquals([runner.executor.ids(), runner.journal.settled], [[], [[active.attempt.name, "gone"]]]);
});

Deno.test("an attempt whose end is unknown is tried again as its runner, or the job, says", async () => {
  for (const [settings, delay] of [[{ lostPolicy: "requeue" }, 0], [{}, null]] as const) {
    const { runner, active } = await beingWritten(settings);
    await using _ = runner;
    runner.finisher.lose(active, "nobody knows");
    await until("it has ended", () => runner.queue.finished.length === 1);
    assertEquals(runner.queue.finished[0].retryDelayMs, delay);
  }
});

Deno.test("a job whose bookkeeping names no absolute folder ends with a sentence, and is not launched", async () => {
  for (const cwd of ["relative", "", "/a\0b"]) {
    await using runner = fakeRunner();
    const job = { executor: "fake.s", payload: "true" };
    const token = "1.abcdef012345";
    runner.queue.startReplies.set("a", [{ type: "OK", token, attempt: 1, seq: 1, job, meta: { cwd } }]);
    runner.queue.push("a", job);
    runner.claimer.start();
    await until("it has ended", () => runner.queue.finished.length === 1);
    assertEquals(
      [runner.executor.ids(), runner.queue.finished[0].error],
      [[], "Cannot run job: its working directory is no absolute path"],
    );
  }
});

Deno.test("a job gets the smallest free slot of its runner, or the numbers of the permits that it names", async () => {
  await using runner = fakeRunner({ concurrency: 3 });
  const job = { executor: "fake.s", payload: "true" };
  const start = async (id: string, meta: Record<string, string> = {}) => {
    runner.queue.startReplies.set(id, [{ type: "OK", token: `1.${id}`, attempt: 1, seq: 1, job, meta }]);
    runner.queue.push(id, job);
    const launch = await until("it is launched", () => runner.executor.launched.find((one) => one.id === id));
    return launch.slots;
  };
  runner.claimer.start();
  assertEquals([await start("a"), await start("b")], [[0], [1]]);
  runner.executor.end("a");
  await until("it has ended", () => runner.queue.finished.length === 1);
  const permits = "5 9 1 gpu\n2 3 0 disk\n7 8 0 batch:x\n- 3 1 runner:test";
  assertEquals(await start("c", { limits: "gpu\ndisk", own_limit: "8 batch:x", permits }), [5, 2]);
  runner.executor.end("b");
  await until("it has ended", () => runner.queue.finished.length === 2);
  assertEquals(await start("d", { own_limit: "8 batch:x", permits: "7 8 0 batch:x" }), [1], "c has slot 0, too");
  assertEquals(runner.attempts.all().map(({ attempt }) => attempt.slot), [0, 1]);
});
