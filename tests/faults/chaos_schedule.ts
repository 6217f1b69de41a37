import { pause } from "../support/barrier.ts";
import { random } from "../support/random.ts";
import type { Host } from "./chaos_host.ts";

/** Milliseconds between two faults, on the average. Faults last longer than that, so they overlap. */
const EVERY = 150;

/** What a fault works on: one at a time. `redis` is the same for all hosts; `everyone` is process and link of each. */
type Place = "process" | "link" | "disk" | "tmux" | "redis" | "everyone";

/** A fault: how often it is drawn, what it works on, and what it does. */
export interface Fault {
  readonly name: string;
  readonly weight: number;
  readonly on: readonly Place[];
  readonly work: (host: Host, random: () => number, hosts: readonly Host[]) => Promise<void>;
}

/** Draws faults one after the other; each waits until what it works on is free of others. */
export class Schedule {
  readonly #hosts: readonly Host[];
  readonly #random: () => number;
  readonly #faults: readonly Fault[];
  readonly #busy = new Map<string, Promise<void>>();
  /** Those that were not drawn yet: each comes once before any comes twice, where there are enough. */
  readonly #first: Fault[];
  readonly counts: Record<string, number> = {};
  done = 0;

  /** @param total The number of faults that will be drawn. */
  constructor(hosts: readonly Host[], random: () => number, faults: readonly Fault[], total: number) {
    this.#hosts = hosts;
    this.#random = random;
    this.#faults = faults;
    this.#first = total > faults.length ? [...faults] : [];
  }

  #draw(): Fault {
    const random = this.#random;
    if (this.#first.length > 0) {
      return this.#first.splice(Math.floor(random() * this.#first.length), 1)[0];
    }
    let at = random() * this.#faults.reduce((sum, { weight }) => sum + weight, 0);
    return this.#faults.find(({ weight }) => (at -= weight) < 0)!;
  }

  #places({ on }: Fault, host: Host): string[] {
    return on.flatMap((place) => {
      if (place === "redis") return [place];
      if (place !== "everyone") return [`${place} of ${host.letter}`];
      return this.#hosts.flatMap(({ letter }) => [`process of ${letter}`, `link of ${letter}`]);
    });
  }

  /** Begins one fault, and waits a while. */
  async next(): Promise<void> {
    const host = this.#hosts[Math.floor(this.#random() * this.#hosts.length)];
    const fault = this.#draw();
    const own = random(this.#random() * 2 ** 32); // faults that overlap do not use each other's numbers
    const places = this.#places(fault, host);
    await Promise.all(places.map((place) => this.#busy.get(place)));
    // from its order to its end: for the story alone, as what may come of it depends on less
    const work = host.timeline.during(`(${fault.name})`, host.letter, () => fault.work(host, own, this.#hosts));
    for (const place of places) this.#busy.set(place, work);
    this.counts[fault.name] = (this.counts[fault.name] ?? 0) + 1;
    this.done++;
    await pause(EVERY * 2 * this.#random());
  }

  /** Resolves when every fault is over. */
  async over(): Promise<void> {
    await Promise.all(this.#busy.values());
  }
}
