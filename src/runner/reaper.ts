import type { InstanceQueue, OtherInstances } from "../ports/queue.ts";
import type { Hooks } from "./hooks.ts";
import type { RunnerParts } from "./parts.ts";

/** What it works with. */
type ReaperParts = Pick<RunnerParts, "log" | "settings"> & { readonly queue: OtherInstances & InstanceQueue };

/** Reclaims what instances of the same runner name hold after their lease has expired. */
export class Reaper {
  readonly #parts: ReaperParts;
  readonly #hooks: Pick<Hooks, "lostElsewhere">;

  constructor(parts: ReaperParts, hooks: Pick<Hooks, "lostElsewhere">) {
    this.#parts = parts;
    this.#hooks = hooks;
  }

  /** Checks the leases of all instances once. */
  async tick(signal?: AbortSignal): Promise<void> {
    const { queue } = this.#parts;
    for (const lease of await queue.leases()) {
      if (lease.expiredMs > 0) await this.#reap(lease.instance, signal);
    }
  }

  /** Reaps one instance. Leaves the rest to other runners when the signal aborts. */
  async #reap(instance: string, signal?: AbortSignal): Promise<void> {
    const { queue, log, settings } = this.#parts;
    const options = { policy: settings.lostPolicy, graceMs: 0, lostAfterMs: settings.lostAfterMs };
    const { claims, attempts } = await queue.holdings(instance);
    let held = 0;
    for (const claim of claims) {
      if (signal?.aborted) return;
      const reply = await queue.reap(instance, { claim }, options);
      if (reply === "ALIVE") return;
      if (reply === "REQUEUED") log.warn("reaped", { instance, state: "claim" });
    }
    for (const attempt of attempts) {
      const { id } = attempt;
      if (signal?.aborted) return;
      // a claim has not started and may start elsewhere at once; an attempt gets the grace time of one more heartbeat
      const reply = await queue.reap(instance, { attempt: id }, { ...options, graceMs: settings.heartbeatMs });
      if (reply === "ALIVE") return;
      if (reply === "HELD") held++;
      else {
        log.warn("reaped", { instance, job: id, state: reply.toLowerCase() });
        if (reply === "REQUEUED" || reply === "FAILED") this.#hooks.lostElsewhere(attempt, reply.toLowerCase());
      }
    }
    if (held === 0) await queue.retire(instance);
  }
}
