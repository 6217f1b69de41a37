import type { RunnerFixture } from "../../support/runner_fixture.ts";
import { type Bench, benchWorld, OURS, type Row, type Section } from "../harness.ts";
import { manyJobs } from "../many_jobs.ts";
import { storeOf } from "../peers/ours.ts";

const COMMANDS: readonly (readonly string[])[] = [
  ["status"],
  ["status", "@"],
  ["status", "--state", "dispatched", "--sort", "created"],
];

async function times(fixture: RunnerFixture, rounds: number): Promise<Row[]> {
  const rows = COMMANDS.map((args) => ({ what: `runner ${args.join(" ")}`, values: [] as number[] }));
  for (let round = 0; round < rounds; round++) {
    for (const [i, args] of COMMANDS.entries()) {
      const begun = performance.now();
      const { code, stderr } = await fixture.run(args);
      if (code !== 0) throw new Error(stderr);
      rows[i].values.push((performance.now() - begun) / 1000);
    }
  }
  return rows.map((row) => ({ ...row, who: OURS, unit: "s", better: "less" }));
}

/** How long `status` needs when there are many jobs. */
export default {
  name: "status",
  summary: "seconds of the whole command over an empty Redis and over 1,000,000 jobs",
  limit: 300,
  async run(bench: Bench) {
    await using fixture = await benchWorld();
    const store = storeOf(fixture.redis.address);
    const job = { id: "template", payload: `echo ${"x".repeat(195)}`, runner: fixture.name, executor: "tmux.bench" };
    await store.submit(job);
    store.close();
    const name = (rows: Row[], count: number) =>
      rows.map((row) => ({ ...row, what: `${row.what}, ${count.toLocaleString("en")} jobs` }));
    const few = name(await times(fixture, bench.options.rounds), 1);
    const count = bench.size(1_000_000, 2000);
    await manyJobs(fixture.redis, "template", { runner: fixture.name, count: count - 1 });
    return [...few, ...name(await times(fixture, bench.options.rounds), count)];
  },
} satisfies Section as Section;
