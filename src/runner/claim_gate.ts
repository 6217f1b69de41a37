import type { Log } from "../ports/log.ts";
import type { Attempts } from "./attempts.ts";

/**
 * Why nothing is claimed. `paused`: a person paused the queue. `restoring`: Redis may have lost data, and not every
 * host has brought back what it runs. `fenced`: another process owns the instance. `unreachable`: Redis could not be
 * reached, and it is not known yet whether it lost data. `stopping`: the runner ends.
 */
export type GateReason = "paused" | "restoring" | "fenced" | "unreachable" | "stopping";

/** Decides whether jobs may be claimed and started now. */
export class ClaimGate {
  readonly #attempts: Pick<Attempts, "wake">;
  readonly #log: Log;
  readonly #reasons = new Set<GateReason>();

  constructor(attempts: Pick<Attempts, "wake">, log: Log) {
    this.#attempts = attempts;
    this.#log = log;
  }

  /** Claims nothing for this reason, in addition to others. */
  close(reason: GateReason): void {
    if (this.#reasons.has(reason)) return;
    this.#reasons.add(reason);
    this.#changed(reason);
  }

  /** Withdraws a reason. */
  open(reason: GateReason): void {
    if (this.#reasons.delete(reason)) this.#changed(reason);
  }

  /** Whether nothing speaks against a claim. */
  get isOpen(): boolean {
    return this.#reasons.size === 0;
  }

  /** Whether this is one of the reasons. */
  has(reason: GateReason): boolean {
    return this.#reasons.has(reason);
  }

  /** All reasons why nothing is claimed, in the order in which they came. */
  get reasons(): readonly GateReason[] {
    return [...this.#reasons];
  }

  #changed(reason: GateReason): void {
    if (reason === "paused") this.#log.info(this.has(reason) ? "paused" : "resumed");
    this.#attempts.wake();
  }
}
