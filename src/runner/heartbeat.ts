import { SetupError } from "../domain/errors.ts";
import type { HeartbeatReply, InstanceQueue, OwnedAttempt } from "../ports/queue.ts";
import type { Alarms } from "./alarms.ts";
import type { Attempts } from "./attempts.ts";
import type { Backlog } from "./backlog.ts";
import type { ClaimGate } from "./claim_gate.ts";
import type { Membership } from "./membership.ts";
import type { RunnerParts } from "./parts.ts";
import type { Recovery } from "./recovery.ts";
import type { Scheduler } from "./scheduler.ts";

/** What a `Heartbeat` works with. */
export interface HeartbeatWork {
  readonly attempts: Attempts;
  readonly gate: ClaimGate;
  readonly membership: Membership;
  readonly backlog: Backlog;
  readonly recovery: Recovery;
  readonly scheduler: Scheduler;
  readonly alarms: Alarms;
  /** Ends the runner: it cannot go on. */
  readonly fail: (error: unknown) => void;
}

/** What it works with. */
type HeartbeatParts = Pick<RunnerParts, "log" | "settings"> & { readonly queue: InstanceQueue };

/** Renews the lease, and carries out what the replies order. */
export class Heartbeat {
  readonly #parts: HeartbeatParts;
  readonly #work: HeartbeatWork;

  constructor(parts: HeartbeatParts, work: HeartbeatWork) {
    this.#parts = parts;
    this.#work = work;
  }

  /** Sends one heartbeat and handles its reply. */
  async tick(): Promise<void> {
    const owned = this.#work.attempts.owned();
    const reply = await this.#parts.queue.heartbeat(owned, this.#work.membership.state);
    switch (reply.type) {
      case "FENCED":
        return this.#work.fail(
          new SetupError(
            "Cannot go on: another process took this runner's instance over; " +
              "give each runner on a host a name or a spool of its own",
          ),
        );
      case "LOST":
        return await this.#work.recovery.dataLost();
      case "OK":
        return await this.#obey(reply, owned);
    }
  }

  async #obey(reply: HeartbeatReply & { type: "OK" }, named: readonly OwnedAttempt[]): Promise<void> {
    const { attempts, gate, backlog, recovery, scheduler, alarms } = this.#work;
    gate.open("fenced");
    recovery.heartbeatReplied();
    if (recovery.isUnfinished) return await recovery.dataLost();
    for (const { id, reason } of reply.cancel) this.#stop(id, reason);
    for (const attempt of reply.fenced) await this.#drop(attempt);
    if (reply.unknown.length > 0) await recovery.reassert(this.#stillOwned(reply.unknown, named));
    if (reply.extra) await recovery.adoptStrays();
    if (reply.claims !== backlog.size && attempts.starting.size === 0) await backlog.reconcile();
    if (reply.paused) gate.close("paused");
    else gate.open("paused");
    if (reply.overdue) alarms.reap.soon();
    if (reply.dueInMs !== null) alarms.promote.soon(reply.dueInMs);
    scheduler.planned(reply.schedules);
  }

  /** Returns the attempts that this heartbeat named and that are still ours. */
  #stillOwned(ids: readonly string[], named: readonly OwnedAttempt[]) {
    return named.filter(({ id }) => ids.includes(id)).flatMap((attempt) => {
      const active = this.#work.attempts.find(attempt);
      return active && !active.ended ? [active] : [];
    });
  }

  #stop(id: string, reason: string): void {
    const active = this.#work.attempts.ofJob(id);
    if (!active || active.ended || active.cancelReason !== null) return;
    active.cancelReason = reason;
    this.#parts.log.info("cancel requested", { job: id, attempt: active.attempt.number });
    active.executor.stop(active.attempt.name, "cancelled", this.#parts.settings.killGraceMs).catch((error) => {
      active.cancelReason = null; // the next heartbeat orders it again
      this.#parts.log.warn("could not stop an attempt", { job: id, error: String(error) });
    });
  }

  /** Drops an attempt that another instance owns now: it may not go on here. */
  async #drop(attempt: OwnedAttempt): Promise<void> {
    const active = this.#work.attempts.find(attempt);
    if (!active || active.ended) return;
    this.#parts.log.warn("fenced", { job: attempt.id, attempt: active.attempt.number });
    await this.#work.recovery.abandon(active);
  }
}
