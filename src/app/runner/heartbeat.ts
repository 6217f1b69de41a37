import type { HeartbeatReply, InstanceState, OwnedRun } from "../../ports/queue.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { RunnerParts } from "./parts.ts";
import type { Reconciler } from "./reconciler.ts";
import type { Runs } from "./runs.ts";

/** Keeps the lease, and carries out what the answers order. */
export class Heartbeat {
  readonly #parts: RunnerParts;
  readonly #runs: Runs;
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

  constructor(parts: RunnerParts, runs: Runs, dispatcher: Dispatcher, reconciler: Reconciler) {
    this.#parts = parts;
    this.#runs = runs;
    this.#dispatcher = dispatcher;
    this.#reconciler = reconciler;
  }

  /** What others are told about us. */
  get told(): InstanceState {
    return this.state === "up" && this.#reconciler.isHeld ? "restoring" : this.state;
  }

  /** One heartbeat. */
  async tick(): Promise<void> {
    const runs = this.#runs.owned();
    const reply = await this.#parts.queue.heartbeat(runs, this.told);
    switch (reply.type) {
      case "FENCED":
        return this.onFenced();
      case "LOST":
        return await this.#reconciler.dataLost();
      case "OK":
        return await this.#obey(reply, runs);
    }
  }

  async #obey(reply: HeartbeatReply & { type: "OK" }, told: readonly OwnedRun[]): Promise<void> {
    this.#dispatcher.confirmed();
    this.#reconciler.heartbeatReplied();
    if (this.#reconciler.unfinished) return await this.#reconciler.dataLost();
    for (const { id, reason } of reply.cancel) this.#stop(id, reason);
    for (const run of reply.fenced) await this.#drop(run);
    if (reply.unknown.length > 0) await this.#reconciler.reassert(this.#still(reply.unknown, told));
    if (reply.extra) await this.#reconciler.adoptStrays();
    if (reply.claims !== this.#dispatcher.waiting && this.#runs.starting.size === 0) await this.#dispatcher.reconcile();
    this.#dispatcher.paused = reply.paused;
    if (reply.overdue) this.onOverdue();
    if (reply.dueInMs !== null) this.onDelayed(reply.dueInMs);
  }

  /** Runs that were told in this heartbeat and are still ours. */
  #still(ids: readonly string[], told: readonly OwnedRun[]) {
    return told.filter(({ id }) => ids.includes(id)).flatMap((run) => {
      const active = this.#runs.find(run);
      return active && !active.ended ? [active] : [];
    });
  }

  #stop(id: string, reason: string): void {
    const active = this.#runs.ofJob(id);
    if (!active || active.ended || active.cancelReason !== null) return;
    active.cancelReason = reason;
    this.#parts.log.info("cancel requested", { job: id, attempt: active.intent.attempt });
    active.executor.stop(active.intent.run, "cancelled", this.#parts.settings.killGraceMs).catch((error) => {
      active.cancelReason = null; // the next heartbeat asks again
      this.#parts.log.warn("could not stop a run", { job: id, error: String(error) });
    });
  }

  /** Somebody else owns the attempt now: it may not go on here. */
  async #drop(run: OwnedRun): Promise<void> {
    const active = this.#runs.find(run);
    if (!active || active.ended) return;
    this.#parts.log.warn("fenced", { job: run.id, attempt: active.intent.attempt });
    await this.#reconciler.abandon(active);
  }
}
