import type { OwnedRun } from "../../ports/queue.ts";
import type { ActiveRun } from "./parts.ts";

/** The runs that this process is answerable for: from `start` until Redis acknowledged their end. */
export class Runs {
  readonly #byRun = new Map<string, ActiveRun>();
  readonly #byId = new Map<string, ActiveRun>();
  /** Jobs between the question `start` and its answer. */
  readonly starting = new Set<string>();
  /** Counts the changes, so that none is missed between a look and a wait. */
  version = 0;
  /** Counts those that were removed. */
  removed = 0;
  readonly #waiters = new Set<() => void>();

  add(run: ActiveRun): void {
    this.#byRun.set(run.intent.run, run);
    this.#byId.set(run.intent.id, run);
    this.#changed();
  }

  /** A run by its name. */
  get(run: string): ActiveRun | undefined {
    return this.#byRun.get(run);
  }

  /** The run that Redis knows by that token; a job can have an older one that is not gone yet. */
  find({ id, token }: OwnedRun): ActiveRun | undefined {
    return this.all().find(({ intent }) => intent.id === id && intent.token === token);
  }

  /** The newest run of a job. */
  ofJob(id: string): ActiveRun | undefined {
    return this.#byId.get(id);
  }

  /** The run has ended: its slot and its line are free, its end is still to be acknowledged. */
  end(run: ActiveRun): void {
    run.ended = true;
    this.#changed();
  }

  remove(run: ActiveRun): void {
    run.ended = true;
    this.removed++;
    this.#byRun.delete(run.intent.run);
    if (this.#byId.get(run.intent.id) === run) this.#byId.delete(run.intent.id);
    this.#changed();
  }

  /** All of them. */
  all(): ActiveRun[] {
    return [...this.#byRun.values()];
  }

  /** As Redis should know them. */
  owned(): OwnedRun[] {
    return this.all().map((run) => ({ id: run.intent.id, token: run.intent.token }));
  }

  /** Slots in use. */
  get busy(): number {
    let count = this.starting.size;
    for (const run of this.#byRun.values()) if (!run.ended) count++;
    return count;
  }

  /** Runs whose end is not acknowledged. */
  get size(): number {
    return this.#byRun.size + this.starting.size;
  }

  /** Lines in use. */
  lines(): Set<string> {
    const lines = new Set<string>();
    for (const run of this.#byRun.values()) if (!run.ended && run.line !== null) lines.add(run.line);
    return lines;
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
