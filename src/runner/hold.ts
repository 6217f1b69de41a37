import type { DataHistory } from "../ports/data_history.ts";
import type { OtherInstances } from "../ports/queue.ts";
import { UnavailableError } from "../domain/errors.ts";
import type { Alarm } from "./alarms.ts";
import type { ClaimGate } from "./claim_gate.ts";
import type { RunnerParts } from "./parts.ts";

/**
 * The longest that a link of a runner needs to reach a Redis that is back, milliseconds: its longest pause, and a
 * little.
 */
const RECONNECT = 1200;
/** The longest time for which other hosts are waited for, milliseconds. */
const LONGEST_HOLD = 60_000;

/** Instances by the monotonic times at which their leases end; `null` when that is not known. */
export type Leases = ReadonlyMap<string, number> | null;

/** What follows a hold. */
export interface HoldEnd {
  /** Brings back what had to wait for the other hosts; `isCurrent` is false once another hold has begun. */
  release(isCurrent: () => boolean): Promise<void>;
  /** Redis went away: everything is to be done once more. */
  failed(): void;
}

/** What it works with. */
type HoldParts = Pick<RunnerParts, "clock" | "log" | "settings"> & { readonly queue: DataHistory & OtherInstances };

/** Keeps the claim gate closed until the other hosts, too, have brought back what they run. */
export class Hold {
  readonly #parts: HoldParts;
  readonly #gate: ClaimGate;
  readonly #heartbeat: Alarm;
  /** Counts the holds: only the last one may open the gate. */
  #count = 0;

  constructor(
    parts: HoldParts,
    gate: ClaimGate,
    heartbeat: Alarm,
  ) {
    this.#parts = parts;
    this.#gate = gate;
    this.#heartbeat = heartbeat;
  }

  /** Closes the gate; no earlier hold opens it any more. */
  close(): void {
    this.#gate.close("restoring");
    this.#count++;
  }

  /** Waits for the other hosts, and opens the gate after `end.release`. */
  begin(known: Leases, end: HoldEnd): void {
    this.close();
    const order = this.#count;
    const isCurrent = () => order === this.#count;
    const isShort = known?.size === 0;
    if (!isShort) {
      this.#parts.log.info("claims no jobs until all hosts have brought back what they run");
      this.#heartbeat.soon();
    }
    const open = () => {
      if (!isCurrent()) return;
      this.#gate.open("restoring");
      if (isShort) return;
      this.#parts.log.info("claims jobs again");
      this.#heartbeat.soon();
    };
    const release = async () => {
      if (isCurrent()) await end.release(isCurrent);
    };
    this.#others(known).then(release).then(open, (error) => {
      if (!isCurrent()) return;
      this.#parts.log.warn("could not bring back everything", { error: String(error) });
      if (!(error instanceof UnavailableError)) return open();
      end.failed();
      this.#heartbeat.soon();
    });
  }

  /**
   * Waits until the other hosts have brought back what they run. Where the leases survived, they show who lives: each
   * host is waited for until it says so itself, or its lease ends. Where they did not, all get the same time.
   */
  async #others(known: Leases): Promise<void> {
    const { queue, clock, settings } = this.#parts;
    const pause = Math.min(RECONNECT / 10, settings.heartbeatMs);
    if (known === null) return await clock.sleep(Math.max(2 * settings.heartbeatMs, 2 * RECONNECT));
    const limit = clock.now() + LONGEST_HOLD;
    for (let open = [...known.keys()]; open.length > 0 && clock.now() < limit; await clock.sleep(pause)) {
      const [leases, back] = [await this.leases(), await queue.back(open)];
      open = open.filter((instance) => leases.has(instance) && !back.includes(instance));
    }
  }

  /** Returns the leases of the other live instances. */
  async leases(): Promise<ReadonlyMap<string, number>> {
    const { queue, clock } = this.#parts;
    const live = (await queue.leases()).filter(({ expiredMs }) => expiredMs <= 0);
    return new Map(live.map(({ instance, expiredMs }) => [instance, clock.now() - expiredMs]));
  }
}
