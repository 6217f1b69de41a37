import { pause } from "../support/gate.ts";
import { type Host, LEASE } from "./chaos_host.ts";

/** Milliseconds between two faults, on the average. Faults last longer than that, so they overlap. */
const EVERY = 150;

/** A fault: how often it is drawn, what it works on (one fault at a time), and what it does. */
interface Fault {
  readonly name: string;
  readonly weight: number;
  readonly on: readonly ("process" | "link" | "redis" | "tmux")[];
  readonly work: (host: Host, random: () => number) => Promise<void>;
}

/** Faults that leave every terminal alone: no job may be lost. */
export const FAULTS: readonly Fault[] = [
  {
    name: "kill",
    weight: 30,
    on: ["process"],
    work: async (host, random) => {
      await host.down("SIGKILL");
      await pause(random() < 0.5 ? 0 : random() * 2 * LEASE);
      await host.up();
    },
  },
  {
    name: "terminate",
    weight: 8,
    on: ["process"],
    work: async (host, random) => {
      await host.down("SIGTERM");
      await pause(random() * 300);
      await host.up();
    },
  },
  {
    name: "freeze_short",
    weight: 10,
    on: ["process"],
    work: (host, random) => freeze(host, 50 + random() * LEASE / 2),
  },
  { name: "freeze_long", weight: 8, on: ["process"], work: (host, random) => freeze(host, LEASE * (1.2 + random())) },
  { name: "cut", weight: 20, on: ["link"], work: (host) => Promise.resolve(host.proxy.cut()) },
  {
    name: "refuse",
    weight: 8,
    on: ["link"],
    work: async (host, random) => {
      await host.proxy.refuse();
      await pause(random() * 1500);
      host.proxy.pass();
    },
  },
  { name: "stall_short", weight: 10, on: ["link"], work: (host, random) => stall(host, random() * 1000) },
  { name: "stall_long", weight: 5, on: ["link"], work: (host, random) => stall(host, 2000 + random() * 2000) },
  {
    name: "stall_and_kill",
    weight: 5,
    on: ["link", "process"],
    work: async (host, random) => {
      host.proxy.stall();
      await pause(random() * 500);
      await host.down("SIGKILL");
      host.proxy.pass();
      await host.up();
    },
  },
  {
    name: "redis_kill",
    weight: 8,
    on: ["redis"],
    work: async ({ world }, random) => {
      await world.redis.kill9();
      await pause(random() * 800);
      await world.redis.restart();
    },
  },
  {
    name: "redis_freeze",
    weight: 5,
    on: ["redis"],
    work: async ({ world }, random) => {
      world.redis.freeze();
      await pause(random() * 2500);
      world.redis.thaw();
    },
  },
];

/** Ends all jobs of a host. */
export const TMUX_FAULT: Fault = { name: "tmux_kill", weight: 5, on: ["tmux"], work: (host) => host.killTmux() };

/** Draws faults one after the other; each waits until what it works on is free of others. */
export class Schedule {
  readonly #hosts: readonly Host[];
  readonly #random: () => number;
  readonly #faults: readonly Fault[];
  readonly #busy = new Map<string, Promise<void>>();
  readonly counts: Record<string, number> = {};
  done = 0;

  constructor(hosts: readonly Host[], random: () => number, faults: readonly Fault[]) {
    this.#hosts = hosts;
    this.#random = random;
    this.#faults = faults;
  }

  /** Begins one fault, and waits a while. */
  async next(): Promise<void> {
    const random = this.#random;
    const host = this.#hosts[Math.floor(random() * this.#hosts.length)];
    let at = random() * this.#faults.reduce((sum, { weight }) => sum + weight, 0);
    const fault = this.#faults.find(({ weight }) => (at -= weight) < 0)!;
    const places = fault.on.map((place) => place === "redis" ? place : `${place} of ${host.letter}`);
    await Promise.all(places.map((place) => this.#busy.get(place)));
    const work = fault.work(host, random);
    for (const place of places) this.#busy.set(place, work);
    this.counts[fault.name] = (this.counts[fault.name] ?? 0) + 1;
    this.done++;
    await pause(EVERY * 2 * random());
  }

  /** Resolves when every fault is over. */
  async over(): Promise<void> {
    await Promise.all(this.#busy.values());
  }
}

async function freeze(host: Host, ms: number): Promise<void> {
  const runner = host.runner!;
  runner.signal("SIGSTOP");
  await pause(ms);
  runner.signal("SIGCONT");
}

async function stall(host: Host, ms: number): Promise<void> {
  host.proxy.stall();
  await pause(ms);
  host.proxy.pass();
}
