import type { ExecutionLog } from "../support/execution_log.ts";
import { pause } from "../support/gate.ts";
import type { World } from "../support/world.ts";

/** One job of the load, and how it has to end. */
interface Job {
  readonly payload: string;
  readonly timeout?: string;
  readonly result: string;
  readonly error: string;
}

/** Draws jobs, pushes them, and remembers what Redis has acknowledged. */
export class Load {
  readonly jobs = new Map<string, Job>();
  /** Jobs whose push was not acknowledged: they may be there or not. */
  readonly unsure = new Set<string>();
  /** Ended jobs as they were when they were first seen so. */
  readonly ended = new Map<string, string>();
  readonly #world: World;
  readonly #log: ExecutionLog;
  readonly #random: () => number;
  #open = new Set<string>();

  constructor(world: World, log: ExecutionLog, random: () => number) {
    this.#world = world;
    this.#log = log;
    this.#random = random;
  }

  #draw(id: string): Job {
    const random = this.#random;
    const code = random() < 0.3 ? Math.floor(random() * 125) : 0;
    if (random() < 0.02) {
      return { payload: `${this.#log.line}; sleep 60`, timeout: "0.5", result: "", error: "timed out after 500ms" };
    }
    const ms = random() < 0.7 ? random() * 0.1 : random() * 2;
    return {
      payload: `${this.#log.line}; sleep ${ms.toFixed(3)}; echo out ${id}; exit ${code}`,
      result: `out ${id}\n`,
      error: code === 0 ? "" : `exited with code ${code}`,
    };
  }

  async push(): Promise<void> {
    const id = `j${this.jobs.size}`;
    const job = this.#draw(id);
    this.jobs.set(id, job);
    try {
      const { payload, timeout } = job;
      // some are queued twice, as a client does that repeats itself
      await this.#world.push({ payload, ...(timeout ? { timeout } : {}) }, id);
      this.#open.add(id);
      if (this.#random() < 0.03) await this.#world.redis.call("LPUSH", `runner:${this.#world.name}`, id);
    } catch {
      if (!this.#open.has(id)) this.unsure.add(id);
      await pause(100);
    }
  }

  /** Looks for jobs that have ended since the last look. */
  async look(): Promise<void> {
    for (const id of this.#open) {
      const job = await this.#world.job(id).catch(() => null);
      if (job?.status !== "finished" && job?.status !== "error") continue;
      this.ended.set(id, JSON.stringify(Object.entries(job).sort()));
      this.#open.delete(id);
    }
  }

  get open(): number {
    return this.#open.size;
  }

  /** Jobs that peers gave up: they wait for a silent host no longer than until the deadline of the job, begun or not. */
  async givenUp(): Promise<Set<string>> {
    const found = new Set<string>();
    for (const [id, { timeout }] of this.jobs) {
      if (timeout && (await this.#world.job(id)).error?.startsWith("lost:")) found.add(id);
    }
    return found;
  }

  /** Jobs that ended in another way than they had to, or changed afterwards. */
  async findings(mayBeLost: boolean, givenUp: ReadonlySet<string>): Promise<string[]> {
    const findings: string[] = [];
    for (const [id, before] of this.ended) {
      const now = await this.#world.job(id);
      if (JSON.stringify(Object.entries(now).sort()) !== before) {
        findings.push(`changed after its end: job ${id} was ${before}, is ${JSON.stringify(now)}`);
      }
      const { result, error } = this.jobs.get(id)!;
      if (givenUp.has(id) || mayBeLost && now.error?.startsWith("lost:")) continue;
      if (now.result !== result || now.error !== error) {
        findings.push(
          `wrong end: job ${id} says ${JSON.stringify([now.result, now.error])}, expected ${
            JSON.stringify([result, error])
          }`,
        );
      }
    }
    return findings;
  }

  /** Takes away what a push left that was cut off in its middle. */
  async clear(): Promise<void> {
    for (const id of this.unsure) {
      const job = await this.#world.job(id);
      const queued = await this.#world.redis.call("LPOS", `runner:${this.#world.name}`, id);
      if (job.status === undefined && queued === null) await this.#world.redis.call("DEL", `job_${id}`);
      else this.#open.add(id);
    }
  }
}
