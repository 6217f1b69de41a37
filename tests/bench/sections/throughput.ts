import { type Bench, type Contestant, OURS, rate, type Section } from "../harness.ts";
import { BullMq } from "../peers/bullmq.ts";
import { Ours } from "../peers/ours.ts";
import { forkRate, parallelRate, rqRate, taskSpoolerRate } from "../peers/shells.ts";
import { benchRedis } from "../harness.ts";

/**
 * Jobs before those that are measured, for programs that live long: by then a JIT compiler has done most of its work.
 */
const WARM = 2000;

async function ourRate(jobs: number, slots: number): Promise<number> {
  await using ours = await Ours.start(slots);
  await ours.run("warm", Math.min(jobs, WARM));
  return await rate(jobs, () => ours.run("job", jobs));
}

async function bullRate(jobs: number, slots: number): Promise<number> {
  await using redis = await benchRedis();
  await using bull = await BullMq.start(redis.port, slots);
  await bull.ask("run", { count: Math.min(jobs, WARM), payload: "true" });
  return jobs * 1000 / (await bull.ask("run", { count: jobs, payload: "true" })).ms;
}

function contestants(bench: Bench, slots: number): Contestant[] {
  const what = `jobs, ${slots} side by side`;
  const jobs = bench.size(4000, 40);
  const one = (who: string, measure: () => Promise<number>) => ({
    who,
    measure: async () => ({ [what]: await measure() }),
  });
  const all = [
    one(OURS, () => ourRate(jobs, slots)),
    one("BullMQ", () => bullRate(jobs, slots)),
    one("fork+exec", () => forkRate(jobs, Math.min(slots, 4))),
  ];
  // slower ones get fewer jobs: they are here for the order of magnitude
  if (slots > 16) return all;
  const some = Math.ceil(jobs / 4);
  return [
    ...all,
    one("task-spooler", () => taskSpoolerRate(some, slots)),
    one("GNU parallel", () => parallelRate(some, slots)),
    ...(slots <= 4 ? [one("rq", () => rqRate(Math.ceil(jobs / 20), slots))] : []),
  ];
}

/** Jobs a second, end to end: from the first submission to the end of the last job. */
export default {
  name: "throughput",
  summary: "jobs a second from the first submission to the last end, each job sh -c true",
  limit: 900,
  async run(bench) {
    const rows = [];
    const { quick, who, slots = quick ? [4] : [1, 4, 16, 64] } = bench.options;
    for (const count of slots) {
      const all = contestants(bench, count).filter((one) => who?.includes(one.who) ?? true);
      rows.push(...await bench.compare(all, () => ["a second", "more"]));
    }
    return rows;
  },
} satisfies Section as Section;
