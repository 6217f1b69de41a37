import type { World } from "./world.ts";

/**
 * Every beat of a world's runner while it is looked at: by the ends of the lease that they wrote, which are Redis' own
 * time.
 */
export class Beats {
  readonly #world: World;
  readonly #ends: number[] = [];
  readonly #looking: Promise<void>;
  #over = false;

  constructor(world: World) {
    this.#world = world;
    this.#looking = this.#look();
  }

  /** Beats so far. */
  get seen(): number {
    return this.#ends.length;
  }

  async #look(): Promise<void> {
    while (!this.#over) {
      const [, end] = await this.#world.redis.call(
        "ZRANGE",
        `rr:lease:${this.#world.name}`,
        0,
        0,
        "WITHSCORES",
      ) as string[];
      if (end !== undefined && Number(end) !== this.#ends.at(-1)) this.#ends.push(Number(end));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Ends the look; answers the milliseconds between each two beats that followed each other. */
  async gaps(): Promise<number[]> {
    this.#over = true;
    await this.#looking;
    return this.#ends.slice(1).map((end, i) => end - this.#ends[i]);
  }
}
