import type { ExecutionLog } from "../support/execution_log.ts";
import { pause } from "../support/barrier.ts";
import type { RunnerFixture } from "../support/runner_fixture.ts";

/** One job of the load, and how it has to end. */
export interface Job {
  readonly payload: string;
  readonly timeout?: string;
  readonly result: string;
  readonly error: string;
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
  readonly #fixture: RunnerFixture;
  readonly #log: ExecutionLog;
  readonly #random: () => number;
  #open = new Set<string>();

  constructor(fixture: RunnerFixture, log: ExecutionLog, random: () => number) {
    this.#fixture = fixture;
    this.#log = log;
    this.#random = random;
  }

  #draw(id: string): Job {
    const random = this.#random;
    const code = random() < 0.3 ? Math.floor(random() * 125) : 0;
    const kind = random();
    if (kind < 0.02) {
      return { payload: `${this.#log.line}; sleep 60`, timeout: "0.5", result: "", error: "timed out after 500ms" };
    }
    // some run for longer than a runner needs to come back
    const seconds = random() < 0.7 ? random() * 0.1 : random() * (kind < 0.15 ? 6 : 2);
    return {
      payload: `${this.#log.line}; sleep ${seconds.toFixed(3)}; echo out ${id}; exit ${code}`,
      // a timeout that is never reached has to leave nothing behind; a host that is gone is waited for so long
      ...(kind < 0.25 ? { timeout: "45" } : {}),
      result: `out ${id}\n`,
      error: code === 0 ? "" : `exited with code ${code}`,
    };
  }

  async push(): Promise<void> {
    const id = `j${this.jobs.size}`;
    const job = this.#draw(id);
    this.jobs.set(id, job);
    const time = { from: Date.now(), to: Infinity };
    this.pushed.set(id, time);
    try {
      const { payload, timeout } = job;
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
