import { InvalidInputError } from "../../domain/errors.ts";
import { DEFAULT_EXECUTOR } from "../../domain/limits.ts";

/** Executors that are remembered at the most, and the characters that one of them may have. */
const MAX_FREE = 16;
const MAX_NAME = 256;

/** Which jobs wait for each other: those of one line run one after the other. */
export class SerialKeys {
  readonly #serialKeyOf: (target: string) => string | null;
  readonly #free = new Set<string>();

  /**
   * @param serialKeyOf Line of a target; `null`: any number of jobs has room there. Throws `InvalidInputError` when
   * there is no such target.
   */
  constructor(serialKeyOf: (target: string) => string | null) {
    this.#serialKeyOf = serialKeyOf;
  }

  /** Executors, as jobs say them, of which it is known that their jobs wait for no other one. */
  get free(): Iterable<string> {
    return this.#free;
  }

  /**
   * Line of a job's executor; `null`: it waits for no other job. One whose executor there is not starts at once, to
   * fail.
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

  /** Of many executors those that came last are remembered. */
  #remember(executor: string): void {
    if (executor.length > MAX_NAME) return;
    this.#free.add(executor);
    if (this.#free.size > MAX_FREE) this.#free.delete(this.#free.values().next().value!);
  }
}
