import { type Bench, benchRedis, benchWorld, OURS, rate, type Section } from "../harness.ts";
import { BullMq } from "../peers/bullmq.ts";
import { storeOf } from "../peers/ours.ts";
import { planBatch } from "../../../src/client/plan_batch.ts";
import { submitBatch } from "../../../src/client/submit_batch.ts";
import { submitJobs } from "../../../src/client/submit_jobs.ts";

const PAYLOAD = `echo ${"x".repeat(195)}`;

async function ours(count: number): Promise<Record<string, number>> {
  await using fixture = await benchWorld();
  const file = `${fixture.dir}/jobs.jsonl`;
  await Deno.writeTextFile(file, `${JSON.stringify({ payload: PAYLOAD })}\n`.repeat(count));
  const whole = await rate(count, async () => {
    const { code, stderr } = await fixture.run(["submit", "--from", file]);
    if (code !== 0) throw new Error(stderr);
  });
  const store = storeOf(fixture.redis.address);
  const job = { payload: PAYLOAD, runner: "bench", executor: "tmux.bench" };
  const jobs = Array.from({ length: count }, () => ({ ...job, id: crypto.randomUUID() }));
  const inside = await rate(count, () => submitJobs(store, jobs, { onSubmitted: () => Promise.resolve() }));
  const batch = planBatch(
    { draft: { submission: job }, axes: [{ names: ["N"], rows: jobs.map((_, i) => [String(i)]) }] },
    { nowMs: 0, newId: () => "batch", checkExecutor: () => {} },
  );
  const together = await rate(count, () => submitBatch(store, batch));
  store.close();
  return { "whole program": whole, "without its start": inside, "as one batch": together };
}

async function theirs(count: number): Promise<Record<string, number>> {
  await using redis = await benchRedis();
  const begun = performance.now();
  await using bull = await BullMq.start(redis.port, 0);
  const { ms } = await bull.ask("add", { count, payload: PAYLOAD });
  return { "whole program": count * 1000 / (performance.now() - begun), "without its start": count * 1000 / ms };
}

/** How fast jobs come into the queue. */
export default {
  name: "submit",
  summary: "jobs of 200 bytes a second: submit --from and a batch beside addBulk by 1,000",
  limit: 300,
  async run(bench: Bench) {
    const count = bench.size(20_000, 300);
    return await bench.compare([
      { who: OURS, measure: () => ours(count) },
      { who: "BullMQ", measure: () => theirs(count) },
    ], () => ["a second", "more"]);
  },
} satisfies Section as Section;
