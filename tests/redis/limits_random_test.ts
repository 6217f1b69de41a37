/** Random steps of three runners and a client with five limits, from a few seeds. */
import type { RedisQueue } from "../../src/redis/queue.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { random } from "../support/random.ts";
import { begin, open } from "./limits_fixture.ts";
import { ended, INFO, type RedisFixture } from "./redis_fixture.ts";

const KEYS = ["A", "B", "C", "D", "E"];
const STEPS = 250;

/** Runners of two queues whose jobs have up to four limits. */
class Play {
  readonly #fixture: RedisFixture;
  readonly #owners: ReadonlyMap<string, RedisQueue>;
  readonly #sizes = new Map<string, number>();
  /** The limits of each job. */
  readonly jobs = new Map<string, readonly string[]>();
  readonly #next: () => number;

  constructor(fixture: RedisFixture, seed: number) {
    this.#fixture = fixture;
    this.#next = random(seed);
    this.#owners = new Map([
      ["r:i", fixture.queue],
      ["r:i2", fixture.runner({ instance: "i2", nonce: "n2" })],
      ["q:i3", fixture.runner({ runner: "q", instance: "i3", nonce: "n3" })],
    ]);
  }

  /** Makes the runners known, and sets each limit. */
  async start(): Promise<void> {
    for (const queue of this.#owners.values()) await queue.register(INFO);
    for (const key of KEYS) await this.#set(key, 1 + this.#random(3));
  }

  #random(below: number): number {
    return Math.floor(this.#next() * below);
  }

  #one<Item>(items: readonly Item[]): Item | undefined {
    return items[this.#random(Math.max(1, items.length))];
  }

  async #set(key: string, n: number): Promise<void> {
    this.#sizes.set(key, n);
    await this.#fixture.store.limits.limitSet(key, n);
  }

  async #held(key: string): Promise<string[]> {
    const { server, keys } = this.#fixture;
    return (await server.call("ZRANGE", keys.permits(key), 0, -1) as string[]).sort();
  }

  async #submit(): Promise<void> {
    const id = `j${this.jobs.size}`;
    const limits = [...new Set(Array.from({ length: 1 + this.#random(4) }, () => this.#one(KEYS)!))];
    this.jobs.set(id, limits);
    const priority = this.#one(["high", "normal", "low"] as const);
    await this.#fixture.submit(id, { limits, priority, runner: this.#one(["r", "r", "q"]) });
  }

  /** Starts jobs; no limit may then be above its number because of it. */
  async #begin(queue: RedisQueue): Promise<void> {
    const before = await Promise.all(KEYS.map((key) => this.#held(key)));
    await begin(queue, 1 + this.#random(4));
    for (const [i, key] of KEYS.entries()) {
      const { length } = await this.#held(key);
      assert(length === before[i].length || length <= this.#sizes.get(key)!, `${length} of ${this.#sizes.get(key)}`);
    }
  }

  async #end(queue: RedisQueue): Promise<void> {
    const attempt = this.#one(await queue.owned());
    if (!attempt) return;
    const failed = { state: "error", exitCode: 1, error: "exited with code 1", retryDelayMs: 0 } as const;
    const end = ended(attempt, this.#random(3) === 0 ? failed : {});
    for (let times = this.#random(2); times >= 0; times--) await queue.finish(end);
  }

  /** Carries out one step. */
  async step(): Promise<void> {
    const { store } = this.#fixture;
    const queue = this.#one([...this.#owners.values()])!;
    const id = this.#one([...this.jobs.keys()]);
    const what = this.#random(9);
    if (what < 3) await this.#submit();
    else if (what < 5) await this.#begin(queue);
    else if (what < 7) await this.#end(queue);
    else if (what === 7) await this.#set(this.#one(KEYS)!, this.#random(4));
    else if (id && (await store.cancel(id, "")).type === "CANCELLED" && this.#random(2) === 0) await store.retry(id);
  }

  /** Compares the permits of each limit with the attempts that are to have them. */
  async compare(): Promise<void> {
    for (const key of KEYS) {
      const expected: string[] = [];
      for (const [owner, queue] of this.#owners) {
        for (const { id, token } of await queue.owned()) {
          if (this.jobs.get(id)!.includes(key)) expected.push(`${owner}\n${token}\n${id}`);
        }
      }
      assertEquals(await this.#held(key), expected.sort(), key);
    }
  }

  /** Lets all jobs run to their ends, without a round; fails when some never start. */
  async finish(): Promise<void> {
    for (const key of KEYS) if (this.#sizes.get(key) === 0) await this.#set(key, 1);
    for (let idle = 0; idle < 3; idle++) {
      for (const queue of this.#owners.values()) {
        for (const id of await queue.due(1000)) await queue.promote(id);
        const running = [...await begin(queue, 4), ...await queue.owned()];
        for (const attempt of running) await queue.finish(ended(attempt));
        if (running.length > 0) idle = 0;
      }
    }
  }
}

for (const seed of [1, 2, 3, 4]) {
  Deno.test(`random steps start no job beyond a limit, lose no permit, and leave no job parked: seed ${seed}`, async () => {
    await using fixture = await open();
    const play = new Play(fixture, seed);
    await play.start();
    for (let i = 0; i < STEPS; i++) {
      await play.step();
      if (i % 25 === 0) await play.compare();
    }
    await play.finish();
    const states = await Promise.all([...play.jobs.keys()].map(async (id) => (await fixture.job(id)).status));
    assertEquals(states.filter((state) => state !== "finished" && state !== "error"), []);
    const left = (await fixture.server.keys()).filter((key) => /:(permits|parking|parked|held|claim)/.test(key));
    assertEquals(left, []);
  });
}
