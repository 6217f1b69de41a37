import { watchJob } from "../../../src/client/wait.ts";
import { type Bench, benchRedis, OURS, pause, percentile, type Section } from "../harness.ts";
import { BullMq } from "../peers/bullmq.ts";
import { Ours } from "../peers/ours.ts";

/** Pause before each job: the load is low, and no peer is still busy with the job before, milliseconds. */
const GAP = 250;

/** A pipe with a name; a job that writes into it is seen at once. */
class Bell implements AsyncDisposable {
  readonly path: string;
  readonly #dir: string;
  readonly #file: Deno.FsFile;

  private constructor(dir: string, file: Deno.FsFile) {
    this.#dir = dir;
    this.path = `${dir}/bell`;
    this.#file = file;
  }

  static async make(): Promise<Bell> {
    const dir = await Deno.makeTempDir({ prefix: "bell-" });
    await new Deno.Command("mkfifo", { args: [`${dir}/bell`] }).output();
    // open for both: it never comes to an end
    return new Bell(dir, await Deno.open(`${dir}/bell`, { read: true, write: true }));
  }

  async rings(): Promise<void> {
    await this.#file.read(new Uint8Array(1));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#file.close();
    await Deno.remove(this.#dir, { recursive: true });
  }
}

/** Milliseconds from LPUSH until the payload's first instruction, of one job after the other. */
async function firstInstruction({ fixture }: Ours, bell: Bell, count: number): Promise<number[]> {
  const times = [];
  for (let i = 0; i < count; i++) {
    const [id, payload] = [`p${i}`, `echo >${bell.path}`];
    await fixture.redis.call("HSET", `job_${id}`, "payload", payload, "executor", "tmux.bench", "status", "dispatched");
    await pause(GAP);
    const begun = performance.now();
    const rung = bell.rings().then(() => performance.now());
    await fixture.redis.call("LPUSH", `runner:${fixture.name}`, id);
    times.push(await rung - begun);
  }
  return times;
}

async function ourFollow(ours: Ours, count: number): Promise<number[]> {
  const times = [];
  const { signal } = new AbortController();
  for (let i = 0; i < count; i++) {
    await pause(GAP);
    const begun = performance.now();
    await ours.store.submit(ours.job(`f${i}`));
    await watchJob(ours.store, `f${i}`, { signal });
    times.push(performance.now() - begun);
  }
  return times;
}

function summary(started: readonly number[], ended: readonly number[]): Record<string, number> {
  return {
    "queued to first instruction, p50": percentile(started, 50),
    "queued to first instruction, p99": percentile(started, 99),
    "submit to finished, p50": percentile(ended, 50),
    "submit to finished, p99": percentile(ended, 99),
  };
}

async function ourLatency(count: number): Promise<Record<string, number>> {
  await using bell = await Bell.make();
  await using ours = await Ours.start(4);
  await ours.run("warm", 100);
  return summary(await firstInstruction(ours, bell, count), await ourFollow(ours, count));
}

async function bullLatency(count: number): Promise<Record<string, number>> {
  await using bell = await Bell.make();
  await using redis = await benchRedis();
  await using bull = await BullMq.start(redis.port, 4);
  await bull.ask("run", { count: 100, payload: "true" });
  const { value: started } = await bull.ask("ring", { count, bell: bell.path, gap: GAP });
  return summary(started!, (await bull.ask("follow", { count, payload: "true", gap: GAP })).value!);
}

/** How long one job lasts when nothing else is to do. */
export default {
  name: "latency",
  summary:
    "one job after the other, 4 slots: ours pushed by a plain LPUSH, then submitted and waited for by each one's client",
  limit: 600,
  async run(bench: Bench) {
    const count = bench.size(100, 5);
    return await bench.compare([
      { who: OURS, measure: () => ourLatency(count) },
      { who: "BullMQ", measure: () => bullLatency(count) },
    ], () => ["ms", "less"]);
  },
} satisfies Section as Section;
