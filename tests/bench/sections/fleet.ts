import { type Bench, benchRedis, OURS, type Section } from "../harness.ts";
import { Fleet } from "../fleet.ts";
import { manyJobs } from "../many_jobs.ts";
import { storeOf } from "../peers/ours.ts";

async function measure(bench: Bench): Promise<Record<string, number>> {
  await using redis = await benchRedis();
  const [hosts, queued, running] = [bench.size(1_000, 10), bench.size(1_000_000, 500), bench.size(10_000, 40)];
  await using fleet = await Fleet.start(redis, { hosts });
  const seconds = bench.size(15, 1);
  const found: Record<string, number> = {};
  const note = (when: string, load: Readonly<Record<string, number>>) => {
    for (const [what, value] of Object.entries(load)) found[`${when}: ${what}`] = value;
  };
  note("idle", await fleet.watch(seconds));
  const store = storeOf(redis.address);
  const job = { payload: `echo ${"x".repeat(195)}`, runner: Fleet.runner, executor: "tmux.bench" };
  await store.submit({ ...job, id: "template" });
  store.close();
  await manyJobs(redis, "template", { runner: Fleet.runner, count: queued - 1 });
  note("claim and start", await fleet.work(running, "start"));
  note(`${running.toLocaleString("en")} running`, await fleet.watch(seconds));
  note("whole jobs", await fleet.work(bench.size(20_000, 50), "finish"));
  note("a tenth of the hosts lost", await fleet.lose(Math.ceil(hosts / 10)));
  return found;
}

/** Many hosts on one Redis, without their terminals: what the queue costs. */
export default {
  name: "fleet",
  summary:
    "1,000 registered instances on one Redis, through the real code of the queue but without tmux, 1,000,000 jobs queued",
  limit: 600,
  async run(bench: Bench) {
    return await bench.compare([{ who: OURS, measure: () => measure(bench) }], () => ["", "less"]);
  },
} satisfies Section as Section;
