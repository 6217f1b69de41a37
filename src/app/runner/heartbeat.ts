import type { HeartbeatReply, InstanceState, OwnedAttempt } from "../../ports/queue.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { RunnerParts } from "./parts.ts";
import type { Reconciler } from "./reconciler.ts";
import type { Attempts } from "./attempts.ts";

/** Keeps the lease, and carries out what the answers order. */
export class Heartbeat {
  readonly #parts: RunnerParts;
  readonly #attempts: Attempts;
  readonly #dispatcher: Dispatcher;
  readonly #reconciler: Reconciler;
  /** What we are up to. */
  state: InstanceState = "up";
  /** Called when another process took our instance over. */
  onFenced: () => void = () => {};
  /** Called when another instance has not renewed its lease. */
  onOverdue: () => void = () => {};
  /** Called with the milliseconds until a delayed job is due. */
  onDelayed: (dueInMs: number) => void = () => {};

  constructor(parts: RunnerParts, attempts: Attempts, dispatcher: Dispatcher, reconciler: Reconciler) {
    this.#parts = parts;
    this.#attempts = attempts;
    this.#dispatcher = dispatcher;
    this.#reconciler = reconciler;
  }

  /** What others are told about us. */
  get reported(): InstanceState {
    return this.state === "up" && this.#reconciler.isHeld ? "restoring" : this.state;
  }

  /** One heartbeat. */
  async tick(): Promise<void> {
    const attempts = this.#attempts.owned();
    const reply = await this.#parts.queue.heartbeat(attempts, this.reported);
    switch (reply.type) {
      case "FENCED":
        return this.onFenced();
      case "LOST":
        return await this.#reconciler.dataLost();
      case "OK":
        return await this.#obey(reply, attempts);
    }
  }

  async #obey(reply: HeartbeatReply & { type: "OK" }, reported: readonly OwnedAttempt[]): Promise<void> {
    this.#dispatcher.confirmed();
    this.#reconciler.heartbeatReplied();
    if (this.#reconciler.unfinished) return await this.#reconciler.dataLost();
    for (const { id, reason } of reply.cancel) this.#stop(id, reason);
    for (const attempt of reply.fenced) await this.#drop(attempt);
    if (reply.unknown.length > 0) await this.#reconciler.reassert(this.#still(reply.unknown, reported));
    if (reply.extra) await this.#reconciler.adoptStrays();
    if (reply.claims !== this.#dispatcher.waiting && this.#attempts.starting.size === 0) {
      await this.#dispatcher.reconcile();
    }
    this.#dispatcher.paused = reply.paused;
    if (reply.overdue) this.onOverdue();
    if (reply.dueInMs !== null) this.onDelayed(reply.dueInMs);
  }

  /** Runs that were told in this heartbeat and are still ours. */
  #still(ids: readonly string[], reported: readonly OwnedAttempt[]) {
    return reported.filter(({ id }) => ids.includes(id)).flatMap((attempt) => {
      const active = this.#attempts.find(attempt);
      return active && !active.ended ? [active] : [];
    });
  }

  #stop(id: string, reason: string): void {
    const active = this.#attempts.ofJob(id);
    if (!active || active.ended || active.cancelReason !== null) return;
    active.cancelReason = reason;
    this.#parts.log.info("cancel requested", { job: id, attempt: active.attempt.number });
    active.executor.stop(active.attempt.name, "cancelled", this.#parts.settings.killGraceMs).catch((error) => {
      active.cancelReason = null; // the next heartbeat asks again
      this.#parts.log.warn("could not stop a run", { job: id, error: String(error) });
    });
  }

  /** Somebody else owns the attempt now: it may not go on here. */
  async #drop(attempt: OwnedAttempt): Promise<void> {
    const active = this.#attempts.find(attempt);
    if (!active || active.ended) return;
    this.#parts.log.warn("fenced", { job: attempt.id, attempt: active.attempt.number });
    await this.#reconciler.abandon(active);
  }
}
