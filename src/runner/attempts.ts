import type { OwnedAttempt } from "../ports/queue.ts";
import type { ActiveAttempt } from "./parts.ts";

/** Attempts that this process is responsible for: from `start` until Redis has acknowledged their end. */
export class Attempts {
  readonly #byName = new Map<string, ActiveAttempt>();
  readonly #byId = new Map<string, ActiveAttempt>();
  /** Ids of jobs whose `start` has been sent and not yet replied to. */
  readonly starting = new Set<string>();
  /** Number of changes, so that none is missed between a check and a wait. */
  version = 0;
  /** Number of removed attempts. */
  removed = 0;
  readonly #waiters = new Set<() => void>();

  /** Adds an attempt. */
  add(attempt: ActiveAttempt): void {
    this.#byName.set(attempt.attempt.name, attempt);
    this.#byId.set(attempt.attempt.id, attempt);
    this.#changed();
  }

  /** Returns an attempt by its name. */
  get(name: string): ActiveAttempt | undefined {
    return this.#byName.get(name);
  }

  /** Returns the attempt with that fencing token; a job can have an older one that is not removed yet. */
  find({ id, token }: OwnedAttempt): ActiveAttempt | undefined {
    return this.all().find(({ attempt }) => attempt.id === id && attempt.token === token);
  }

  /** Returns the newest attempt of a job. */
  ofJob(id: string): ActiveAttempt | undefined {
    return this.#byId.get(id);
  }

  /** Marks an attempt as ended: its slot and serial key are free, its end is still to be acknowledged. */
  end(attempt: ActiveAttempt): void {
    attempt.ended = true;
    this.#changed();
  }

  /** Removes an attempt whose end is acknowledged, or that another instance owns now. */
  remove(attempt: ActiveAttempt): void {
    attempt.ended = true;
    this.removed++;
    this.#byName.delete(attempt.attempt.name);
    if (this.#byId.get(attempt.attempt.id) === attempt) this.#byId.delete(attempt.attempt.id);
    this.#changed();
  }

  /** Returns all attempts. */
  all(): ActiveAttempt[] {
    return [...this.#byName.values()];
  }

  /** Returns the ids and tokens that Redis should hold for this instance. */
  owned(): OwnedAttempt[] {
    return this.all().map((attempt) => ({ id: attempt.attempt.id, token: attempt.attempt.token }));
  }

  /** Number of slots in use. */
  get busy(): number {
    let count = this.starting.size;
    for (const attempt of this.#byName.values()) if (!attempt.ended) count++;
    return count;
  }

  /** Returns the smallest number of a slot that no attempt has, from 0. */
  freeSlot(): number {
    const taken = new Set(this.all().filter(({ ended }) => !ended).map(({ attempt }) => attempt.slot));
    let slot = 0;
    while (taken.has(slot)) slot++;
    return slot;
  }

  /** Number of attempts whose end is not acknowledged. */
  get size(): number {
    return this.#byName.size + this.starting.size;
  }

  /** Returns the serial keys in use. */
  serialKeys(): Set<string> {
    const serialKeys = new Set<string>();
    for (const attempt of this.#byName.values()) {
      if (!attempt.ended && attempt.serialKey !== null) serialKeys.add(attempt.serialKey);
    }
    return serialKeys;
  }

  /** Resolves at the next change of any kind, or when the signal aborts. */
  change(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#waiters.delete(done);
        signal?.removeEventListener("abort", done);
        resolve();
      };
      this.#waiters.add(done);
      signal?.addEventListener("abort", done);
    });
  }

  /** Resolves when there is at least one attempt. */
  async some(): Promise<void> {
    while (this.size === 0) await this.change();
  }

  /** Resolves all pending waits for a change. */
  wake(): void {
    this.#changed();
  }

  #changed(): void {
    this.version++;
    for (const done of [...this.#waiters]) done();
  }
}
