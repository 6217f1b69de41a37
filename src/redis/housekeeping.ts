import type { PurgeQuery, PurgeReply } from "../ports/job_store.ts";
import type { Keys } from "./keys.ts";
import type { Link } from "./link.ts";
import { SCRIPTS } from "./scripts.ts";
import { pairsOf } from "./steps.ts";

/** Entries that one step of a purge looks at: Redis serves nobody else meanwhile. */
const PURGE_AT_ONCE = 250;

/** What has to do with no single job. */
export class Housekeeping {
  readonly #link: Link;
  readonly #keys: Keys;
  /** Rank in the index from which to look next: jobs that are kept for ever must not hide those after them. */
  #rank = 0;

  constructor(link: Link, keys: Keys) {
    this.#link = link;
    this.#keys = keys;
  }

  /** Milliseconds of Redis' clock, Unix time. */
  async time(): Promise<number> {
    const [seconds, micros] = await this.#link.call("TIME", []) as [string, string];
    return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
  }

  /**
   * Looks at `PURGE_AT_ONCE` entries of the index, oldest first, from a rank on. A job that began too late has not
   * ended before.
   */
  async purge(query: PurgeQuery, from: number): Promise<PurgeReply> {
    const keys = this.#keys;
    const { state = "", queue = "", endedBeforeMs, countOnly } = query;
    const [total, entries] = await Promise.all([
      this.#link.call("ZCARD", [keys.jobs()]),
      this.#link.call("ZRANGE", [keys.jobs(), from, from + PURGE_AT_ONCE - 1, "WITHSCORES"]),
    ]);
    const all = pairsOf(entries as string[]);
    const ids = all.filter(([, created]) => Number(created) <= endedBeforeMs).map(([id]) => id);
    const belonging = ids.flatMap((id) => [keys.job(id), keys.meta(id), keys.output(id), keys.after(id)]);
    const args = [state, endedBeforeMs, countOnly ? 1 : 0, queue, ...ids];
    const reply = ids.length === 0 ? [] : await this.#link.run(SCRIPTS.purge, [keys.jobs(), ...belonging], args);
    const purged = Number(reply[1] ?? 0);
    const next = ids.length < PURGE_AT_ONCE ? null : from + ids.length - (countOnly ? 0 : purged);
    return { total: Number(total), scanned: ids.length, purged, next };
  }

  /**
   * Looks at the next `limit` entries of the index, oldest first and round and round, and at some names of queues.
   *
   * @returns How many entries were forgotten.
   */
  async sweep(limit: number): Promise<number> {
    await this.#forgetNames(limit);
    return await this.#sweepIndex(limit);
  }

  /** Looks at some names, by chance: over the rounds it is all of them. */
  async #forgetNames(limit: number): Promise<void> {
    const keys = this.#keys;
    const names = await this.#link.call("SRANDMEMBER", [keys.names(), limit]) as string[];
    if (names.length === 0) return;
    const belonging = names.flatMap((name) => [
      ...[keys.queue(name), keys.low(name), keys.delay(name)],
      ...[keys.paused(name), keys.lease(name), keys.history(name)],
    ]);
    await this.#link.run(SCRIPTS.forget, [keys.names(), ...belonging], names);
  }

  async #sweepIndex(limit: number): Promise<number> {
    const keys = this.#keys;
    const ids = await this.#link.call("ZRANGE", [keys.jobs(), this.#rank, this.#rank + limit - 1]) as string[];
    const there = ids.length === 0 ? 0 : await this.#link.call("EXISTS", ids.map((id) => keys.job(id)));
    this.#rank = ids.length < limit ? 0 : this.#rank + Number(there);
    if (there === ids.length) return 0;
    const all = ids.flatMap((id) => [keys.job(id), keys.meta(id), keys.output(id), keys.after(id)]);
    return Number((await this.#link.run(SCRIPTS.sweep, [keys.jobs(), ...all], ids))[1]);
  }
}
