import { assertEquals } from "../../support/assert.ts";
import { until } from "../../support/until.ts";
import type { ActiveRun } from "../../../src/app/runner/parts.ts";
import { fakeRunner } from "./fakes.ts";

/** A run whose intent is being written; `written` ends that. */
async function beingWritten(
  runner: ReturnType<typeof fakeRunner>,
): Promise<{ active: ActiveRun; written: () => void }> {
  const { promise, resolve } = Promise.withResolvers<void>();
  runner.spool.intend = () => promise;
  runner.queue.push("a", { executor: "fake.s", payload: "true" });
  runner.dispatcher.start();
  const active = await until("it is ours", () => runner.runs.ofJob("a"));
  return { active, written: resolve };
}

Deno.test("a job that is cancelled while its intent is being written is not launched", async () => {
  await using runner = fakeRunner();
  const { active, written } = await beingWritten(runner);
  active.cancelReason = "why";
  written();
  await until("it has ended", () => runner.queue.finished.length === 1);
  assertEquals([runner.executor.ids(), runner.queue.finished[0].error], [[], "cancelled: why"]);
});

Deno.test("a job that is taken away while its intent is being written is not launched, and not taken up later", async () => {
  await using runner = fakeRunner();
  const { active, written } = await beingWritten(runner);
  runner.runs.remove(active);
  written();
  await until("it is settled", () => runner.spool.settled.length === 1);
  assertEquals([runner.executor.ids(), runner.spool.settled], [[], [[active.intent.run, "gone"]]]);
});

Deno.test("a run of which nobody knows what became is tried again as its runner, or the job, says", async () => {
  for (const [settings, delay] of [[{ lostPolicy: "requeue" }, 0], [{}, null]] as const) {
    await using runner = fakeRunner(settings);
    const { active } = await beingWritten(runner);
    runner.finisher.lose(active, "nobody knows");
    await until("it has ended", () => runner.queue.finished.length === 1);
    assertEquals(runner.queue.finished[0].retryDelayMs, delay);
  }
});
