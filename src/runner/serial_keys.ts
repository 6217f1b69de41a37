import { InvalidInputError } from "../domain/errors.ts";
import { DEFAULT_EXECUTOR } from "../domain/limits.ts";

/** Targets that are remembered at most. */
const MAX_FREE = 16;
/** Characters of a remembered target at most. */
const MAX_NAME = 256;

/** Maps targets to serial keys: jobs with the same serial key run one after the other. */
export class SerialKeys {
  readonly #serialKeyOf: (target: string) => string | null;
  readonly #free = new Set<string>();

  /**
   * @param serialKeyOf Returns the serial key of a target, or `null` where any number of jobs may run at once. Throws
   * `InvalidInputError` for a target that does not exist.
   */
  constructor(serialKeyOf: (target: string) => string | null) {
    this.#serialKeyOf = serialKeyOf;
  }

  /** Values of the `executor` field whose jobs are known to have no serial key. */
  get free(): Iterable<string> {
    return this.#free;
  }

  /**
   * Returns the serial key for a job's executor; `null` when the job waits for no other one. A job with an invalid
   * executor gets `null` too: it starts at once, and fails.
   */
  of(executor: string | null): string | null {
    try {
      const serialKey = this.#serialKeyOf(executor || DEFAULT_EXECUTOR);
      if (serialKey === null) this.#remember(executor ?? "");
      return serialKey;
    } catch (error) {
      if (error instanceof InvalidInputError) return null;
      throw error;
    }
  }

  /** Remembers a target; drops the oldest one above the maximum. */
  #remember(executor: string): void {
    if (executor.length > MAX_NAME) return;
    this.#free.add(executor);
    if (this.#free.size > MAX_FREE) this.#free.delete(this.#free.values().next().value!);
  }
}
