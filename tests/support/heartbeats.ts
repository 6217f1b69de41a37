import type { RunnerFixture } from "./runner_fixture.ts";

/**
 * Every heartbeat of a fixture's runner while it is observed: by the ends of the lease that they wrote, which are
 * Redis' own time.
 */
export class Heartbeats {
  readonly #fixture: RunnerFixture;
  readonly #ends: number[] = [];
  readonly #observed: Promise<void>;
  #over = false;

  constructor(fixture: RunnerFixture) {
    this.#fixture = fixture;
    this.#observed = this.#observe();
  }

  /** Heartbeats so far. */
  get seen(): number {
    return this.#ends.length;
  }

  async #observe(): Promise<void> {
    while (!this.#over) {
      const [, end] = await this.#fixture.redis.call(
        "ZRANGE",
        `rr:lease:${this.#fixture.name}`,
        0,
        0,
        "WITHSCORES",
      ) as string[];
      if (end !== undefined && Number(end) !== this.#ends.at(-1)) this.#ends.push(Number(end));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Ends the observation; returns the milliseconds between each two heartbeats that followed each other. */
  async gaps(): Promise<number[]> {
    this.#over = true;
    await this.#observed;
    return this.#ends.slice(1).map((end, i) => end - this.#ends[i]);
  }
}
