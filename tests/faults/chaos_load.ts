import type { Condition, Dependency } from "../../src/domain/job_meta.ts";
import type { RedisJobStore } from "../../src/redis/job_store.ts";
import { openStore } from "../../src/redis/open_store.ts";
import { parseRedisUrl } from "../../src/redis/url.ts";
import { systemClock } from "../../src/system/clock.ts";
import type { ExecutionLog } from "../support/execution_log.ts";
import { pause } from "../support/barrier.ts";
import type { RunnerFixture } from "../support/runner_fixture.ts";
import { LIMITS, Permits } from "./chaos_permits.ts";

/** One job of the load, and how it has to end. */
export interface Job {
  readonly payload: string;
  readonly timeout?: string;
  readonly result: string;
  readonly error: string;
  /** The jobs for which it waits; none for those that a foreign client pushes. */
  readonly after: readonly Pick<Dependency, "id" | "condition">[];
  /** Its limits, with a witness in its payload; none for those that a foreign client pushes. */
  readonly limits: readonly string[];
}

/** A job as it was when it was first seen ended. */
export interface Ended {
  readonly at: number;
  readonly fields: Readonly<Record<string, string>>;
}

/** Removes what a push left that was cut off, or whose second half Redis forgot: in no list, and never claimed. */
const CLEAR = `
if redis.call('EXISTS', KEYS[1]) == 0 or redis.call('HGET', KEYS[1], 'status') then return 0 end
local lists = redis.call('KEYS', 'rr:claim:*')
lists[#lists + 1] = KEYS[2]
for _, key in ipairs(lists) do
  if redis.call('LPOS', key, ARGV[1]) then return 0 end
end
return redis.call('DEL', KEYS[1])`;

/** Draws jobs, pushes them, and remembers what Redis has acknowledged. */
export class Load {
  readonly jobs = new Map<string, Job>();
  /** Jobs whose push was not acknowledged: they may be there or not. */
  readonly unsure = new Set<string>();
  /** When each push began and ended. */
  readonly pushed = new Map<string, { readonly from: number; to: number }>();
  readonly ended = new Map<string, Ended>();
  /** Number of jobs that were pushed, besides those of schedules. */
  count = 0;
  readonly #fixture: RunnerFixture;
  readonly #log: ExecutionLog;
  readonly #random: () => number;
  #open = new Set<string>();
  /** Our own client; `null` where all jobs are those of a foreign one. */
  readonly #store: RedisJobStore | null;
  readonly permits: Permits;

  /** @param graph Some jobs wait for others: then they are submitted by our own client. */
  constructor(fixture: RunnerFixture, log: ExecutionLog, options: { random: () => number; graph: boolean }) {
    const { random, graph } = options;
    const place = { url: parseRedisUrl(fixture.redis.address), namespace: "", clock: systemClock };
    this.#store = graph ? openStore(place) : null;
    this.permits = new Permits(fixture.dir);
    this.#fixture = fixture;
    this.#log = log;
    this.#random = random;
  }

  /** Up to three of the last jobs, for which the next one waits. */
  #drawParents(): Job["after"] {
    if (this.#store === null || this.#random() > 0.3) return [];
    const last = [...this.pushed].filter(([, { to }]) => to < Infinity).slice(-40).map(([id]) => id);
    const chosen = new Map<string, Condition>();
    for (let count = 1 + Math.floor(this.#random() * 3); count > 0 && last.length > 0; count--) {
      chosen.set(last[Math.floor(this.#random() * last.length)], this.#random() < 0.6 ? "ended" : "finished");
    }
    return [...chosen].map(([id, condition]) => ({ id, condition }));
  }

  #draw(id: string): Job {
    const job = this.#drawWork(id);
    if (this.#store === null || this.#random() > 0.15) return job;
    const names = Object.keys(LIMITS);
    const limit = names[Math.floor(this.#random() * names.length)];
    return { ...job, limits: [limit], payload: `${this.permits.witness(limit)}; ${job.payload}` };
  }

  /** Says how many jobs with the limits of the load may run at the same time. */
  async setLimits(): Promise<void> {
    for (const [limit, n] of Object.entries(LIMITS)) if (n > 1) await this.#store?.limits.limitSet(limit, n);
  }

  #drawWork(id: string): Job {
    const random = this.#random;
    const limits: string[] = [];
    const after = this.#drawParents();
    const code = random() < 0.3 ? Math.floor(random() * 125) : 0;
    const kind = random();
    if (kind < 0.02) {
      return {
        payload: `${this.#log.line}; sleep 60`,
        timeout: "0.5",
        result: "",
        error: "timed out after 500ms",
        after,
        limits,
      };
    }
    // some run for longer than a runner needs to come back
    const seconds = random() < 0.7 ? random() * 0.1 : random() * (kind < 0.15 ? 6 : 2);
    return {
      payload: `${this.#log.line}; sleep ${seconds.toFixed(3)}; echo out ${id}; exit ${code}`,
      // a timeout that is never reached has to leave nothing behind; a host that is gone is waited for so long
      ...(kind < 0.25 ? { timeout: "45" } : {}),
      result: `out ${id}\n`,
      error: code === 0 ? "" : `exited with code ${code}`,
      after,
      limits,
    };
  }

  /** Makes a job of a schedule one of the load; `at` is when it was submitted at the latest. */
  adopt(id: string, at: number): void {
    if (this.jobs.has(id)) return;
    this.jobs.set(id, { payload: "", result: `out ${id}\n`, error: "", after: [], limits: [] });
    this.pushed.set(id, { from: at, to: at });
    this.#open.add(id);
  }

  async push(): Promise<void> {
    const id = `j${this.count++}`;
    const job = this.#draw(id);
    this.jobs.set(id, job);
    const time = { from: Date.now(), to: Infinity };
    this.pushed.set(id, time);
    try {
      if (await this.#submit(id, job)) {
        time.to = Date.now();
        this.#open.add(id);
        return;
      }
      const { payload, timeout } = this.jobs.get(id)!;
      // some are queued twice, as a client does that repeats itself
      await this.#fixture.push({ payload, ...(timeout ? { timeout } : {}) }, id);
      time.to = Date.now();
      this.#open.add(id);
      if (this.#random() < 0.03) await this.#fixture.redis.call("LPUSH", `runner:${this.#fixture.name}`, id);
    } catch {
      if (!this.#open.has(id)) this.unsure.add(id);
      await pause(100);
    }
  }

  /**
   * Submits a job that waits for others or has limits; returns false when it has neither, or Redis has lost a job for
   * which it waits.
   */
  async #submit(id: string, { payload, timeout, after, limits }: Job): Promise<boolean> {
    if (this.#store === null || after.length + limits.length === 0) return false;
    const [finished, ended] = (["finished", "ended"] as const).map((condition) =>
      after.filter((one) => one.condition === condition).map((one) => one.id)
    );
    const waits = { after: finished, afterEnd: ended, limits };
    const job = { id, payload, runner: this.#fixture.name, executor: "tmux.main", ...waits };
    const reply = await this.#store.submit({ ...job, ...timeout ? { timeout: Number(timeout) } : {} });
    // then a foreign client pushes it
    if (reply.type === "ORPHAN") this.jobs.set(id, { ...this.#drawWork(id), after: [] });
    return reply.type !== "ORPHAN";
  }

  /** Lets a minute go by for the jobs that wait for others or for a permit: then a runner checks them again. */
  async passMinute(): Promise<void> {
    const waiting = [...this.#open].filter((id) => this.jobs.get(id)!.after.length > 0);
    for (const id of waiting) await this.#fixture.redis.call("ZADD", `rr:delay:${this.#fixture.name}`, "XX", 1, id);
    await this.#fixture.redis.call("HDEL", "rr:limit_state", "checked");
    await this.#store?.limits.unpark().catch(() => {}); // a fault cut the connection; the next minute comes soon
  }

  /** Closes our own client. */
  close(): void {
    this.#store?.close();
  }

  /** Reads which jobs have ended since the last time. */
  async readEnds(): Promise<void> {
    for (const id of this.#open) {
      const job = await this.#fixture.job(id).catch(() => null);
      if (job?.status !== "finished" && job?.status !== "error") continue;
      this.ended.set(id, { at: Date.now(), fields: job });
      this.#open.delete(id);
    }
  }

  /** Jobs that have not ended. */
  get open(): ReadonlySet<string> {
    return this.#open;
  }

  /** After all faults: of jobs that may be gone only those are waited for that are in the queue, or have been. */
  async clear(mayBeGone: (id: string) => boolean): Promise<void> {
    for (const id of this.unsure) this.#open.add(id);
    for (const id of this.#open) {
      if (mayBeGone(id)) {
        await this.#fixture.redis.call("EVAL", CLEAR, 2, `job_${id}`, `runner:${this.#fixture.name}`, id);
      }
    }
  }
}
