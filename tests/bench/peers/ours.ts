import { submitJobs } from "../../../src/client/submit_jobs.ts";
import type { RedisJobStore } from "../../../src/redis/job_store.ts";
import { openStore } from "../../../src/redis/open_store.ts";
import { parseRedisUrl } from "../../../src/redis/url.ts";
import { systemClock } from "../../../src/system/clock.ts";
import { until } from "../../support/until.ts";
import type { RunnerFixture, RunnerProcess } from "../../support/runner_fixture.ts";
import { benchWorld, pause } from "../harness.ts";

/** How many have not finished, and one of them with what it says. */
const OPEN = `local n, one = 0, ''
for i = 1, tonumber(ARGV[2]) do
  local id = ARGV[1] .. i
  local job = redis.call('HMGET', 'job_' .. id, 'status', 'error')
  if job[1] ~= 'finished' then n, one = n + 1, id .. ' ' .. (job[1] or 'gone') .. ' ' .. (job[2] or '') end
end
return { n, one }`;

/** Our client in a Redis. */
export function storeOf(address: string): RedisJobStore {
  return openStore({ url: parseRedisUrl(address), namespace: "", clock: systemClock });
}

/** Our runner as a program of its own, and our client in this process. */
export class Ours implements AsyncDisposable {
  readonly fixture: RunnerFixture;
  readonly runner: RunnerProcess;
  readonly store: RedisJobStore;

  private constructor(fixture: RunnerFixture, runner: RunnerProcess) {
    this.fixture = fixture;
    this.runner = runner;
    this.store = storeOf(fixture.redis.address);
  }

  /** @param more Further arguments of `runner run`. */
  static async start(slots: number, more: readonly string[] = []): Promise<Ours> {
    const fixture = await benchWorld();
    // the same shell as everybody's
    return new Ours(
      fixture,
      await fixture.runner({ args: ["--concurrency", String(slots), "--shell", "sh", ...more] }),
    );
  }

  /** Process id of the runner. */
  get pid(): number {
    return this.runner.child.pid;
  }

  /** A job of this fixture. */
  job(id: string, payload = "true") {
    return { id, payload, runner: this.fixture.name, executor: "tmux.bench" };
  }

  /** Queues jobs. */
  async add(prefix: string, count: number, payload = "true"): Promise<void> {
    const jobs = Array.from({ length: count }, (_, i) => this.job(`${prefix}${i + 1}`, payload));
    await submitJobs(this.store, jobs, { onSubmitted: () => Promise.resolve() });
  }

  /** Queues jobs and waits until all have finished. */
  async run(prefix: string, count: number, payload = "true"): Promise<void> {
    await this.add(prefix, count, payload);
    const { redis } = this.fixture;
    const last = `job_${prefix}${count}`;
    // the pause is short beside the whole, and what is asked costs those who work next to nothing
    const ended = async () => ["finished", "error"].includes(await redis.call("HGET", last, "status") as string);
    await until("the last job has ended", async () => await ended() || (await pause(20), false), 300_000);
    let one = "";
    const all = async () => {
      const [open, which] = await redis.call("EVAL", OPEN, 0, prefix, count) as [number, string];
      one = which;
      return open === 0;
    };
    await until("all have finished", all, 30_000).catch((error) => {
      throw new Error(`Cannot measure the runner: a job has not finished: ${one}`, { cause: error });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.store.close();
    await this.fixture[Symbol.asyncDispose]();
  }
}
