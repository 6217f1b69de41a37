import type { Keys } from "./keys.ts";
import type { Link } from "./link.ts";
import { SCRIPTS } from "./scripts.ts";

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

  /** Looks at the next `limit` entries of the index, oldest first and round and round. */
  async sweep(limit: number): Promise<number> {
    const keys = this.#keys;
    const ids = await this.#link.call("ZRANGE", [keys.jobs(), this.#rank, this.#rank + limit - 1]) as string[];
    const there = ids.length === 0 ? 0 : await this.#link.call("EXISTS", ids.map((id) => keys.job(id)));
    this.#rank = ids.length < limit ? 0 : this.#rank + Number(there);
    if (there === ids.length) return 0;
    const all = ids.flatMap((id) => [keys.job(id), keys.side(id), keys.output(id), keys.after(id)]);
    return Number((await this.#link.run(SCRIPTS.sweep, [keys.jobs(), ...all], ids))[1]);
  }
}
