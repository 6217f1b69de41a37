import { SetupError } from "../domain/errors.ts";
import type { DataHistory } from "../ports/data_history.ts";
import type { InstanceInfo, InstanceQueue, InstanceState, RegisterOptions, RegisterReply } from "../ports/queue.ts";
import type { Alarm } from "./alarms.ts";
import type { ClaimGate } from "./claim_gate.ts";
import type { RunnerParts } from "./parts.ts";

/** What Redis replied to a process that owns its instance. */
export type Registered = Omit<RegisterReply & { readonly type: "OK" }, "type">;

/** What it works with. */
type MembershipParts = Pick<RunnerParts, "clock" | "settings" | "log" | "ownership"> & {
  readonly queue: InstanceQueue & DataHistory;
};

/** Registers this process as the owner of its instance, and holds the state that it reports. */
export class Membership {
  readonly #parts: MembershipParts;
  readonly #info: InstanceInfo;
  readonly #gate: ClaimGate;
  readonly #stopping: AbortSignal;
  readonly #limits: Alarm;
  #state: Exclude<InstanceState, "restoring"> = "up";
  #isRegistered = false;

  /**
   * @param work `stopping` ends the wait for the lease of another process; `limits` asks for a round of the parked
   * jobs.
   */
  constructor(
    parts: MembershipParts,
    { info, gate, stopping, limits }: { info: InstanceInfo; gate: ClaimGate; stopping: AbortSignal; limits: Alarm },
  ) {
    this.#parts = parts;
    this.#info = info;
    this.#gate = gate;
    this.#stopping = stopping;
    this.#limits = limits;
  }

  /** The state for the next heartbeat. */
  get state(): InstanceState {
    return this.#state === "up" && this.#gate.has("restoring") ? "restoring" : this.#state;
  }

  /** Reports from now on that this process ends: `draining` waits for what runs, `detached` leaves it in tmux. */
  leave(state: "draining" | "detached"): void {
    this.#state = state;
  }

  /** Whether this process has owned the instance. */
  get isRegistered(): boolean {
    return this.#isRegistered;
  }

  /**
   * Registers, waiting for the lease of another process to end.
   *
   * @throws {SetupError} Another process renews its lease, or the runner is being stopped.
   */
  async register(state: Pick<RegisterOptions, "restored" | "unmixed"> = {}): Promise<Registered> {
    const { queue, clock, settings, log, ownership } = this.#parts;
    const claim = await ownership.claim(this.#info.bootId);
    for (let tries = 0;; tries++) {
      const reply = await queue.register(this.#info, { ...claim, ...state });
      if (reply.type === "OK") {
        this.#isRegistered = true;
        await ownership.won();
        this.#limits.soon(reply.limitsHeldMs);
        return reply;
      }
      // its lease was renewed while this process waited for its end
      if (tries > 0) {
        throw new SetupError(
          `Cannot run "${settings.name}": its spool folder, or a copy of it, is in use on host "${reply.host}"; ` +
            "give this runner a spool folder of its own with --spool",
        );
      }
      log.warn("waiting for the lease of another process to end", { ms: reply.msLeft });
      await clock.sleep(reply.msLeft + 100, this.#stopping);
      if (this.#stopping.aborted) throw new SetupError("Cannot start: the runner is being stopped");
    }
  }
}
