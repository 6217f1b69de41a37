import { SCRIPTS } from "../../../src/redis/scripts.ts";
import { openQueue } from "../../../src/redis/open.ts";
import { parseRedisUrl } from "../../../src/redis/url.ts";
import { systemClock } from "../../../src/system/clock.ts";
import type { RedisServer } from "../../support/redis_server.ts";
import { type Bench, benchRedis, percentile, type Section } from "../harness.ts";
import { until } from "../../support/until.ts";
import { info, manyJobs, taken, takenInSteps } from "../many_jobs.ts";
import { storeOf } from "../peers/ours.ts";

/** The steps one by one, each a script ... */
const STEPS = ["submit", "claim", "start", "finish"] as const;
/** ... and two of them in one, as they go under load. */
const TOGETHER = "claim and start";

/** Microseconds below which Redis does not note a command: scripts are slower, most of what they call is not. */
const NOTED = 4;

/** The step of each script, by the hash that it is called by. */
async function stepsByHash(): Promise<Map<string, string>> {
  const steps = new Map<string, string>();
  for (const step of STEPS) {
    for (const script of [SCRIPTS[step], SCRIPTS[step].many]) steps.set(await script.sha(), step);
  }
  return steps;
}

/** Microseconds inside Redis of each script since the last reading. */
async function spent(redis: RedisServer): Promise<Map<string, number[]>> {
  const entries = await redis.call("SLOWLOG", "GET", -1) as unknown as [number, number, number, string[]][];
  await redis.call("SLOWLOG", "RESET");
  const steps = await stepsByHash();
  const found = new Map<string, number[]>();
  for (const [, , micros, [, hash]] of entries) {
    const step = steps.get(hash);
    if (step === undefined) continue;
    if (!found.has(step)) found.set(step, []);
    found.get(step)!.push(micros);
  }
  return found;
}

/** Leads each job through its life while `queued` others wait; returns the microseconds of each step. */
async function lives(queued: number, count: number): Promise<Record<string, number>> {
  await using redis = await benchRedis();
  const store = storeOf(redis.address);
  const place = { url: parseRedisUrl(redis.address), namespace: "", clock: systemClock };
  const queue = openQueue(place, { runner: "bench", instance: "one", nonce: "n" });
  const job = (id: string) => ({ id, payload: `echo ${"x".repeat(195)}`, runner: "bench", executor: "tmux.bench" });
  try {
    const node = { bootId: "b", host: "h", pid: 1, version: "0", slots: 1, access: { kind: "none" } };
    await queue.register(node);
    await store.submit(job("template"));
    await manyJobs(redis, "template", { runner: "bench", count: queued - 1 });
    const rewriting = async () => await info(redis, "aof_rewrite_in_progress") === 1;
    await until("Redis has written its file anew", async () => !await rewriting(), 120_000);
    await redis.call("CONFIG", "SET", "slowlog-max-len", 100_000, "slowlog-log-slower-than", NOTED);
    const life = async (i: number, atOnce: boolean) => {
      await store.submit(job(`j${i}`));
      const { id, token } = atOnce ? await taken(queue) : await takenInSteps(queue);
      const end = { state: "finished", result: "", error: "", exitCode: 0, outputBytes: 0, ms: 1, keep: 60 } as const;
      await queue.finish({ id, token, ...end, retryDelayMs: null });
    };
    for (let i = 0; i < 50; i++) await life(i, i % 2 === 0);
    await spent(redis);
    for (let i = 0; i < count; i++) await life(50 + i, false);
    const found = await spent(redis);
    for (let i = 0; i < count; i++) await life(50 + count + i, true);
    found.set(TOGETHER, (await spent(redis)).get("claim") ?? []);
    return summary(found, count);
  } finally {
    queue.close();
    store.close();
  }
}

function summary(found: ReadonlyMap<string, readonly number[]>, count: number): Record<string, number> {
  return Object.fromEntries([...STEPS, TOGETHER].flatMap((step) => {
    const times = found.get(step) ?? [];
    if (times.length < count / 2) throw new Error(`Cannot measure ${step}: Redis noted ${times.length} of ${count}`);
    return [50, 99].map((percent) => [`${step}, p${percent}`, percentile(times, percent)]);
  }));
}

/** What a job's steps cost Redis while more and more jobs wait. */
export default {
  name: "scripts",
  summary: "microseconds inside Redis of each step of a job, while 1 to 1,000,000 jobs wait",
  limit: 900,
  async run(bench: Bench) {
    const sizes = bench.options.quick ? [1, 1000] : [1, 1000, 100_000, 1_000_000];
    const contestants = sizes.map((queued) => ({
      who: `${queued.toLocaleString("en")} queued`,
      measure: () => lives(queued, bench.size(2000, 50)),
    }));
    const rows = await bench.compare(contestants, () => ["us", "less"]);
    // beside each other in the table: the same step
    return rows.toSorted((a, b) => a.what < b.what ? -1 : a.what > b.what ? 1 : 0);
  },
} satisfies Section as Section;
