import { type Bench, benchRedis, OURS, type Section } from "../harness.ts";
import { info } from "../many_jobs.ts";
import { BullMq } from "../peers/bullmq.ts";
import { storeOf } from "../peers/ours.ts";
import { submitJobs } from "../../../src/client/submit_jobs.ts";

const PAYLOAD = `echo ${"x".repeat(195)}`;

async function ours(count: number): Promise<Record<string, number>> {
  await using redis = await benchRedis();
  const store = storeOf(redis.address);
  const add = async (many: number) => {
    const job = { payload: PAYLOAD, runner: "bench", executor: "tmux.bench" };
    const jobs = Array.from({ length: many }, () => ({ ...job, id: crypto.randomUUID() }));
    await submitJobs(store, jobs, { onSubmitted: () => Promise.resolve() });
  };
  // the stream of events is full afterwards, and grows no more with the jobs
  await add(11_000);
  const before = await info(redis, "used_memory");
  await add(count);
  store.close();
  return { "queued job of 200 bytes": (await info(redis, "used_memory") - before) / count };
}

async function theirs(count: number): Promise<Record<string, number>> {
  await using redis = await benchRedis();
  await using bull = await BullMq.start(redis.port, 0);
  await bull.ask("add", { count: 11_000, payload: PAYLOAD });
  const before = await info(redis, "used_memory");
  await bull.ask("add", { count, payload: PAYLOAD });
  return { "queued job of 200 bytes": (await info(redis, "used_memory") - before) / count };
}

/** What a queued job costs of Redis' memory. */
export default {
  name: "memory",
  summary: "bytes of Redis' memory a queued job, its payload 200 bytes",
  limit: 300,
  async run(bench: Bench) {
    const count = bench.size(50_000, 500);
    return await bench.compare([
      { who: OURS, measure: () => ours(count) },
      { who: "BullMQ", measure: () => theirs(count) },
    ], () => ["bytes", "less"]);
  },
} satisfies Section as Section;
