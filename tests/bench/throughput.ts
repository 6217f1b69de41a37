/**
 * Jobs a second, end to end: from the push into Redis to the end in Redis, payload `true`, beside the floor of this machine (fork and
 * exec of `sh -c true` in a loop) in the same run, alternating. Prints a table, and JSON with --json.
 *
 *     deno run -A --config scripts/npm/deno.json tests/bench/throughput.ts [--jobs N] [--rounds N] [--json]
 *
 * @module
 */
import { until } from "../support/until.ts";
import { World } from "../support/world.ts";

const option = (name: string, fallback: number) => {
  const at = Deno.args.indexOf(name);
  return at < 0 ? fallback : Number(Deno.args[at + 1]);
};
const JOBS = option("--jobs", 2000);
const ROUNDS = option("--rounds", 3);
const SLOTS = [1, 4, 16];

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

/** The most `sh -c true` that loops of a shell start in a second, side by side 1, 2 or 4 times. */
async function floor(): Promise<number> {
  const rates = [];
  for (const loops of [1, 2, 4]) {
    const each = Math.ceil(JOBS / loops);
    const script = `i=0; while [ $i -lt ${each} ]; do sh -c true; i=$((i + 1)); done`;
    const begun = performance.now();
    await Promise.all(
      Array.from({ length: loops }, () => new Deno.Command("sh", { args: ["-c", script] }).output()),
    );
    rates.push(each * loops * 1000 / (performance.now() - begun));
  }
  return Math.max(...rates);
}

const PUSH = `for i = 1, tonumber(ARGV[2]) do
  local id = ARGV[1] .. i
  redis.call('HSET', 'job_' .. id, 'payload', 'true', 'executor', 'tmux.bench', 'status', 'dispatched')
  redis.call('LPUSH', KEYS[1], id)
end`;
const COUNT = `local n = 0
for i = 1, tonumber(ARGV[2]) do
  if redis.call('HGET', 'job_' .. ARGV[1] .. i, 'status') == 'finished' then n = n + 1 end
end
return n`;

async function push(world: World, prefix: string, jobs: number): Promise<number> {
  const begun = performance.now();
  await world.redis.call("EVAL", PUSH, 1, `runner:${world.name}`, prefix, jobs);
  const last = `job_${prefix}${jobs}`;
  await until(
    "the last job has ended",
    async () => await world.redis.call("HGET", last, "status") === "finished",
    300_000,
  );
  await until("all have ended", async () => await world.redis.call("EVAL", COUNT, 0, prefix, jobs) === jobs, 60_000);
  return jobs * 1000 / (performance.now() - begun);
}

async function endToEnd(slots: number): Promise<number> {
  await using world = await World.create({ persistence: "aof-everysec" });
  await world.runner({ args: ["--concurrency", String(slots), "--shell", "sh"] });
  await push(world, "warm", 200);
  return await push(world, "job", JOBS);
}

const floors: number[] = [];
const rates = new Map<number, number[]>(SLOTS.map((slots) => [slots, []]));
for (let round = 0; round < ROUNDS; round++) {
  floors.push(await floor());
  for (const slots of SLOTS) rates.get(slots)!.push(await endToEnd(slots));
}
const base = median(floors);
const rows = SLOTS.map((slots) => ({ slots, jobs_per_second: Math.round(median(rates.get(slots)!)) }))
  .map((row) => ({ ...row, of_floor: Number((row.jobs_per_second / base).toFixed(2)) }));
if (Deno.args.includes("--json")) console.log(JSON.stringify({ floor: Math.round(base), rows }));
else {
  console.log(`fork+exec floor: ${Math.round(base)} a second (median of ${ROUNDS} rounds, ${JOBS} jobs each)`);
  for (const row of rows) {
    console.log(`${row.slots} slots: ${row.jobs_per_second} jobs a second, ${row.of_floor} of the floor`);
  }
}
