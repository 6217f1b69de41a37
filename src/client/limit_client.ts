import type { StoredLimit } from "../ports/limits.ts";
import type { ClientStore } from "../ports/schedules.ts";
import { listLimits, removeLimit, setLimit } from "./limits.ts";

/**
 * A limit that is set or in use.
 *
 * ```ts no-eval
 * import { Client, type Limit } from "@hero/runner";
 *
 * await using client = await Client.connect();
 * const full = (await client.limits.list()).filter(({ held, n }: Limit) => held >= n);
 * console.log(full.map(({ key, holders }) => `${key}: ${holders.map(({ id }) => id)}`));
 * ```
 */
export interface Limit {
  /** Its key; `runner:NAME` limits a queue. */
  readonly key: string;
  /** Jobs that may run at the same time, on all hosts together. */
  readonly n: number;
  /** Whether this number was set; else it is 1. */
  readonly isSet: boolean;
  /** Running jobs that count. They can be more than `n` after it was lowered. */
  readonly held: number;
  /** Up to 100 of them, with the numbers of their permits; none for a queue. */
  readonly holders: readonly { readonly id: string; readonly number: number }[];
  /** Jobs that wait for it; those of a limited queue stay in the queue and do not count here. */
  readonly parked: number;
  /** The first of them, the next one first. */
  readonly waiting: readonly { readonly id: string; readonly runner: string }[];
}

/**
 * Limits of a namespace, `Client.limits`: how many jobs run at the same time on all hosts together.
 *
 * ```ts no-eval
 * import { Client } from "@hero/runner";
 *
 * await using client = await Client.connect();
 * await client.limits.set("gpu", 2);
 * await client.submit({ payload: "CUDA_VISIBLE_DEVICES=$RUNNER_SLOT python train.py", limits: ["gpu"] });
 * ```
 */
export class Limits {
  readonly #store: ClientStore;

  /** Made by `Client`. */
  constructor(store: ClientStore) {
    this.#store = store;
  }

  /** Returns the limits that are set or in use, by key. */
  async list(): Promise<readonly Limit[]> {
    return (await listLimits(this.#store)).map(publicOf);
  }

  /**
   * Sets how many jobs with a key run at the same time; 0 lets none start. `runner:NAME` limits the queue of a runner.
   *
   * @throws {InvalidInputError} The key or the number is not valid; nothing was changed.
   */
  async set(key: string, n: number): Promise<void> {
    await setLimit(this.#store, key, n);
  }

  /**
   * Removes what was set: jobs with the key run one at a time again, and a queue without a limit.
   *
   * @throws {InvalidInputError} It is not set; nothing was changed.
   */
  async remove(key: string): Promise<void> {
    await removeLimit(this.#store, key);
  }
}

function publicOf({ key, n, isSet, held, holders, parked, waiting }: StoredLimit): Limit {
  return { key, n, isSet, held, holders: holders.map(({ id, number }) => ({ id, number })), parked, waiting };
}
