import { openQueue } from "../../../src/redis/open.ts";
import { parseRedisUrl } from "../../../src/redis/url.ts";
import { systemClock } from "../../../src/system/clock.ts";
import type { RedisServer } from "../../support/redis_server.ts";
import { type Bench, benchRedis, OURS, percentile, type Row, type Section } from "../harness.ts";
import { manyJobs } from "../many_jobs.ts";
import { storeOf } from "../peers/ours.ts";

/** Microseconds inside Redis of the commands since the last look, in the order in which they ran. */
async function slowlog(redis: RedisServer): Promise<number[]> {
  const entries = await redis.call("SLOWLOG", "GET", -1) as unknown as [number, number, number, string[]][];
  await redis.call("SLOWLOG", "RESET");
  return entries.filter(([, , , command]) => command[0].startsWith("EVAL")).map(([, , micros]) => micros).toReversed();
}

/** Takes each job through its life while `queued` others wait; answers the microseconds of each step. */
async function lives(queued: number, count: number): Promise<Record<string, number>> {
  await using redis = await benchRedis();
  const store = storeOf(redis.address);
  const place = { url: parseRedisUrl(redis.address), namespace: "", clock: systemClock };
  const queue = openQueue(place, { runner: "bench", instance: "one", nonce: "n" });
  const job = (id: string) => ({ id, payload: `echo ${"x".repeat(195)}`, runner: "bench", executor: "tmux.bench" });
  try {
    const node = { bootId: "b", host: "h", pid: 1, version: "0", slots: 1, attach: "" };
    await queue.register(node, { takeover: false });
    await store.submit(job("template"));
    await manyJobs(redis, "template", { runner: "bench", count: queued - 1 });
    await redis.call("CONFIG", "SET", "slowlog-max-len", 100_000, "slowlog-log-slower-than", 0);
    const life = async (i: number) => {
      await store.submit(job(`j${i}`));
      const [raw] = await queue.claim(0, 1);
      const id = new TextDecoder().decode(raw);
      const started = await queue.start(id);
      if (started.type !== "OK") throw new Error(`Cannot measure a job: start answered ${started.type}`);
      const end = { state: "finished", result: "", error: "", exitCode: 0, outputBytes: 0, ms: 1, keep: 60 } as const;
      await queue.finish({ id, token: started.token, ...end, retryDelayMs: null });
    };
    for (let i = 0; i < 50; i++) await life(i);
    await slowlog(redis);
    for (let i = 0; i < count; i++) await life(50 + i);
    return summary(await slowlog(redis), count);
  } finally {
    queue.close();
    store.close();
  }
}

const STEPS = ["submit", "claim", "start", "finish"];

function summary(micros: readonly number[], count: number): Record<string, number> {
  if (micros.length !== STEPS.length * count) {
    throw new Error(`Cannot measure ${count} jobs: Redis ran ${micros.length} scripts, not ${STEPS.length} a job`);
  }
  return Object.fromEntries(STEPS.flatMap((step, at) => {
    const times = micros.filter((_, i) => i % STEPS.length === at);
    return [50, 99].map((percent) => [`${step}, p${percent}`, percentile(times, percent)]);
  }));
}

/** What a job's steps cost Redis while more and more jobs wait. */
export default {
  name: "scripts",
  summary: "microseconds inside Redis of each step of a job, while 1 to 1,000,000 jobs wait",
  limit: 900,
  async run(bench: Bench) {
    const rows: Row[] = [];
    for (const queued of bench.options.quick ? [1, 1000] : [1, 1000, 100_000, 1_000_000]) {
      const found = await bench.compare(
        [{ who: `${queued.toLocaleString("en")} queued`, measure: () => lives(queued, bench.size(2000, 50)) }],
        () => ["us", "less"],
      );
      rows.push(...found.map((row) => ({ ...row, what: `${OURS}: ${row.what}` })));
    }
    return rows.toSorted((a, b) => a.what < b.what ? -1 : a.what > b.what ? 1 : 0);
  },
} satisfies Section as Section;
