import { metaNumber } from "../domain/job_meta.ts";
import type { PurgeQuery, PurgeReply } from "../ports/job_store.ts";
import type { Trouble } from "../ports/queue.ts";
import type { Keys } from "./keys.ts";
import { hasCode, type Link } from "./link.ts";
import { SCRIPTS } from "./scripts.ts";
import { Steps } from "./steps.ts";

/** Jobs that one step of a purge checks; Redis serves no other client meanwhile. */
const PURGE_AT_ONCE = 250;

/** Operations that concern no single job: the clock, the newest attempts of many, the purge and the sweep. */
export class Housekeeping {
  readonly #link: Link;
  readonly #keys: Keys;
  /** Rank in the index at which the next sweep begins: jobs that are kept for ever must not hide those after them. */
  #rank = 0;
  /** The batch whose members the next sweep checks, by its rank, and the index of the first of them. */
  #batch = { rank: 0, index: 1 };

  constructor(link: Link, keys: Keys) {
    this.#link = link;
    this.#keys = keys;
  }

  /** Returns Redis' clock, Unix ms. */
  async time(): Promise<number> {
    const [seconds, micros] = await this.#link.call("TIME", []) as [string, string];
    return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
  }

  /** Returns the number of jobs that wait in the queue of a runner, without delayed ones. */
  async lengthOf(runner: string): Promise<number> {
    const lists = [this.#keys.queue(runner), this.#keys.low(runner)];
    const lengths = await Promise.all([
      ...lists.map((key) => this.#link.call("LLEN", [key])),
      this.#link.call("ZCARD", [this.#keys.parked(runner)]),
    ]);
    return lengths.reduce((sum: number, length) => sum + Number(length), 0);
  }

  /** Returns those instances that have restored their attempts for a history of the data. */
  async restored(runner: string, instances: readonly string[], history: string): Promise<readonly string[]> {
    if (instances.length === 0) return [];
    const found = await this.#link.call("HMGET", [this.#keys.history(runner), ...instances]) as unknown[];
    return instances.filter((_, i) => found[i] === history);
  }

  /** Returns the numbers of the newest attempts of jobs; 0 for one that has none. A foreign value counts as absent. */
  newestAttempts(ids: readonly string[]): Promise<readonly number[]> {
    return Promise.all(ids.map(async (id) => {
      try {
        const [number] = await this.#link.call("HMGET", [this.#keys.meta(id), "attempt"]) as [string | null];
        return metaNumber(number ?? undefined, 0);
      } catch (error) {
        if ((error as Partial<Trouble>).condition === "unfit") return 0;
        throw error;
      }
    }));
  }

  async purge(query: PurgeQuery, ids: readonly string[]): Promise<PurgeReply[]> {
    const { state = "", runner = "", endedBeforeMs, countOnly } = query;
    const replies: PurgeReply[] = [];
    for (let at = 0; at < ids.length; at += PURGE_AT_ONCE) {
      const some = ids.slice(at, at + PURGE_AT_ONCE);
      const args = [state, endedBeforeMs, countOnly ? 1 : 0, runner, ...some];
      const [, ...each] = await this.#link.run(SCRIPTS.purge, [this.#keys.jobs(), ...this.#keysOf(some)], args);
      replies.push(...each as PurgeReply[]);
    }
    return replies;
  }

  /** Returns some ended jobs for which others still wait, and which no process may be settling. */
  async unsettled(limit: number): Promise<readonly string[]> {
    try {
      return await this.#link.call("SRANDMEMBER", [this.#keys.unsettled(), limit]) as string[];
    } catch (error) {
      if (hasCode(error, "WRONGTYPE")) return [];
      throw error;
    }
  }

  /**
   * Sweeps the next `limit` entries of the index, oldest first and in rounds, and some names of queues; corrects the
   * counts of the next members of batches. What that leaves to settle is among the unsettled ones.
   *
   * @returns The number of entries that were forgotten.
   */
  async sweep(limit: number): Promise<number> {
    await this.#forgetNames(limit);
    await this.#checkBatches(limit);
    return await this.#sweepIndex(limit);
  }

  /** Checks some names at random: over the rounds it checks all of them. */
  async #forgetNames(limit: number): Promise<void> {
    const keys = this.#keys;
    const names = await this.#link.call("SRANDMEMBER", [keys.names(), limit]) as string[];
    if (names.length === 0) return;
    const belonging = names.flatMap((name) => [
      ...[keys.queue(name), keys.low(name), keys.delay(name)],
      ...[keys.paused(name), keys.lease(name), keys.history(name), keys.parked(name)],
    ]);
    await this.#link.run(SCRIPTS.forget, [keys.names(), ...belonging], names);
  }

  /** Checks up to `limit` members, of one batch after the other; a record counts as one. */
  async #checkBatches(limit: number): Promise<void> {
    const keys = this.#keys;
    const steps = new Steps(this.#link, keys);
    for (let left = limit; left > 0; left--) {
      const { rank, index } = this.#batch;
      const [id] = await this.#link.call("ZRANGE", [keys.batches(), rank, rank]) as string[];
      if (id === undefined) {
        this.#batch = { rank: 0, index: 1 };
        return;
      }
      const reply = await steps.job(SCRIPTS.batch_check, id, { keys: [keys.batches()], args: [index, left] });
      if (reply[0] === "GONE") {
        this.#batch = { rank, index: 1 };
        continue;
      }
      const next = Number(reply[1]);
      this.#batch = next === 1 ? { rank: rank + 1, index: 1 } : { rank, index: next };
      left -= Number(reply[2]);
    }
  }

  async #sweepIndex(limit: number): Promise<number> {
    const keys = this.#keys;
    const ids = await this.#link.call("ZRANGE", [keys.jobs(), this.#rank, this.#rank + limit - 1]) as string[];
    const there = ids.length === 0 ? 0 : await this.#link.call("EXISTS", ids.map((id) => keys.job(id)));
    this.#rank = ids.length < limit ? 0 : this.#rank + Number(there);
    if (there === ids.length) return 0;
    const all = this.#keysOf(ids);
    return Number((await this.#link.run(SCRIPTS.sweep, [keys.jobs(), ...all], ids))[1]);
  }

  /** Returns the keys of jobs for the scripts `purge` and `sweep`. */
  #keysOf(ids: readonly string[]): string[] {
    const keys = this.#keys;
    return ids.flatMap((id) => [keys.job(id), keys.meta(id), keys.output(id), keys.after(id), keys.skipped(id)]);
  }
}
