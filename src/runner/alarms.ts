import type { Clock } from "../ports/clock.ts";

/** Asks a loop for a round before its time. */
export class Alarm {
  readonly #clock: Clock;
  /** Monotonic time of the next round. */
  #at = Infinity;
  #waiting = new AbortController();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Asks for a round in `ms` milliseconds at the latest. */
  soon(ms = 0): void {
    const at = this.#clock.now() + ms;
    if (at >= this.#at) return;
    this.#at = at;
    this.wake();
  }

  /** Monotonic time for which a round was asked, milliseconds; `Infinity` when none was. */
  get at(): number {
    return this.#at;
  }

  /** Forgets what was asked for: the round begins. */
  clear(): void {
    this.#at = Infinity;
  }

  /** Waits for `ms` milliseconds, or until an earlier round is asked for. */
  async wait(ms: number): Promise<void> {
    this.#waiting = new AbortController();
    await this.#clock.sleep(ms, this.#waiting.signal);
  }

  /** Ends a wait. */
  wake(): void {
    this.#waiting.abort();
  }
}

/** The alarms of a runner, one for each loop that others ask for a round. */
export class Alarms {
  readonly heartbeat: Alarm;
  /** Moves delayed jobs that are due into the queue. */
  readonly promote: Alarm;
  /** Claims what instances hold whose leases have ended. */
  readonly reap: Alarm;
  /** Finds out what became of Redis' data after an outage. */
  readonly recover: Alarm;
  /** Checks that the spool is the one that this process opened. */
  readonly spool: Alarm;
  /** Removes what is no longer needed. */
  readonly janitor: Alarm;
  /** Fires schedules, and keeps the copy of them up to date. */
  readonly schedules: Alarm;
  /** Queues parked jobs again. */
  readonly limits: Alarm;

  constructor(clock: Clock) {
    this.heartbeat = new Alarm(clock);
    this.promote = new Alarm(clock);
    this.reap = new Alarm(clock);
    this.recover = new Alarm(clock);
    this.spool = new Alarm(clock);
    this.janitor = new Alarm(clock);
    this.schedules = new Alarm(clock);
    this.limits = new Alarm(clock);
  }
}
