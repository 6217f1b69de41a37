import type { OwnedAttempt } from "../../ports/queue.ts";
import type { ActiveAttempt } from "./parts.ts";

/** The runs that this process is answerable for: from `start` until Redis acknowledged their end. */
export class Attempts {
  readonly #byName = new Map<string, ActiveAttempt>();
  readonly #byId = new Map<string, ActiveAttempt>();
  /** Jobs between the question `start` and its answer. */
  readonly starting = new Set<string>();
  /** Counts the changes, so that none is missed between a look and a wait. */
  version = 0;
  /** Counts those that were removed. */
  removed = 0;
  readonly #waiters = new Set<() => void>();

  add(attempt: ActiveAttempt): void {
    this.#byName.set(attempt.attempt.name, attempt);
    this.#byId.set(attempt.attempt.id, attempt);
    this.#changed();
  }

  /** A run by its name. */
  get(name: string): ActiveAttempt | undefined {
    return this.#byName.get(name);
  }

  /** The run that Redis knows by that token; a job can have an older one that is not gone yet. */
  find({ id, token }: OwnedAttempt): ActiveAttempt | undefined {
    return this.all().find(({ attempt }) => attempt.id === id && attempt.token === token);
  }

  /** The newest run of a job. */
  ofJob(id: string): ActiveAttempt | undefined {
    return this.#byId.get(id);
  }

  /** The run has ended: its slot and its line are free, its end is still to be acknowledged. */
  end(attempt: ActiveAttempt): void {
    attempt.ended = true;
    this.#changed();
  }

  remove(attempt: ActiveAttempt): void {
    attempt.ended = true;
    this.removed++;
    this.#byName.delete(attempt.attempt.name);
    if (this.#byId.get(attempt.attempt.id) === attempt) this.#byId.delete(attempt.attempt.id);
    this.#changed();
  }

  /** All of them. */
  all(): ActiveAttempt[] {
    return [...this.#byName.values()];
  }

  /** As Redis should know them. */
  owned(): OwnedAttempt[] {
    return this.all().map((attempt) => ({ id: attempt.attempt.id, token: attempt.attempt.token }));
  }

  /** Slots in use. */
  get busy(): number {
    let count = this.starting.size;
    for (const attempt of this.#byName.values()) if (!attempt.ended) count++;
    return count;
  }

  /** Runs whose end is not acknowledged. */
  get size(): number {
    return this.#byName.size + this.starting.size;
  }

  /** Lines in use. */
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

  /** Resolves when there are runs. */
  async some(): Promise<void> {
    while (this.size === 0) await this.change();
  }

  /** Wakes those who wait for a change. */
  wake(): void {
    this.#changed();
  }

  #changed(): void {
    this.version++;
    for (const done of [...this.#waiters]) done();
  }
}
