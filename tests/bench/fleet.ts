/**
 * A simulated fleet: instances that register, send heartbeats, claim, start, finish and reap through the real code of
 * the queue, against a real Redis. What a runner does besides is not simulated: terminals, files, live output.
 *
 * @module
 */
import type { OwnedAttempt } from "../../src/ports/queue.ts";
import { openQueue } from "../../src/redis/open.ts";
import type { RedisQueue } from "../../src/redis/queue.ts";
import { parseRedisUrl } from "../../src/redis/url.ts";
import { systemClock } from "../../src/system/clock.ts";
import type { RedisServer } from "../support/redis_server.ts";
import { pause, percentile } from "./harness.ts";
import { info, taken } from "./many_jobs.ts";

/** As `runner run` has them, milliseconds. */
const [HEARTBEAT, LEASE, CLAIM_WAIT] = [5_000, 30_000, 5_000];
/** Limit for one process with the connections of all hosts to make one of them, milliseconds. */
const PATIENCE = 60_000;
/** Hosts that claim a job at the same moment: more would measure this process. */
const AT_ONCE = 32;
/** Result of a job, bytes. */
const RESULT = "x".repeat(200);

interface Host {
  readonly instance: string;
  readonly queue: RedisQueue;
  readonly runs: OwnedAttempt[];
}

/** What Redis spent, a second unless it says otherwise. */
export type Load = Readonly<Record<string, number>>;

/** Hosts with one queue. */
export class Fleet implements AsyncDisposable {
  static readonly runner = "fleet";
  readonly #redis: RedisServer;
  readonly #hosts: Host[];
  /** Milliseconds of each heartbeat since the last reading. */
  #heartbeats: number[] = [];
  #over = false;
  readonly #loops: Promise<void>[];

  private constructor(redis: RedisServer, hosts: Host[]) {
    this.#redis = redis;
    this.#hosts = hosts;
    this.#loops = hosts.map((host, i) => this.#sendHeartbeats(host, i * HEARTBEAT / hosts.length));
  }

  static async start(redis: RedisServer, { hosts }: { readonly hosts: number }): Promise<Fleet> {
    const place = { url: parseRedisUrl(redis.address), namespace: "", clock: systemClock, connectMs: PATIENCE };
    const all: Host[] = [];
    for (let i = 0; i < hosts; i++) {
      const instance = `host-${i}`;
      const queue = openQueue(place, { runner: Fleet.runner, instance, nonce: `n${i}`, leaseMs: LEASE });
      const node = {
        bootId: `boot-${i}`,
        host: `host-${i}.example`,
        pid: 1,
        version: "0",
        slots: 10,
        access: { kind: "none" },
      };
      await queue.register(node);
      // each has its connections before the clock runs
      queue.onWakeUp(() => {});
      await Promise.all([queue.claim(1), queue.wait(1)]);
      all.push({ instance, queue, runs: [] });
    }
    return new Fleet(redis, all);
  }

  async #sendHeartbeats(host: Host, delay: number): Promise<void> {
    for (let next = performance.now() + delay; !this.#over; next += HEARTBEAT) {
      while (!this.#over && performance.now() < next) await pause(Math.min(100, Math.max(1, next - performance.now())));
      if (this.#over || !this.#hosts.includes(host)) return;
      const begun = performance.now();
      await host.queue.heartbeat(host.runs, "up");
      this.#heartbeats.push(performance.now() - begun);
    }
  }

  /** What Redis spends on a fleet whose jobs go on; hosts with free slots wait for a job. */
  async watch(seconds: number): Promise<Load> {
    this.#heartbeats = [];
    const until = performance.now() + seconds * 1000;
    const wait = async ({ queue, runs }: Host) => {
      while (runs.length === 0 && performance.now() < until) {
        if ((await queue.claim(1)).length > 0) throw new Error("Cannot measure the fleet: a job came");
        await queue.wait(Math.min(CLAIM_WAIT, Math.max(1, until - performance.now())));
      }
    };
    const empty = await this.#redis.call("LLEN", `runner:${Fleet.runner}`) === 0;
    const load = await this.#measure(async () => {
      await Promise.all([pause(seconds * 1000), ...(empty ? this.#hosts.map(wait) : [])]);
    });
    return {
      ...load,
      "beat, p50, ms": percentile(this.#heartbeats, 50),
      "beat, p99, ms": percentile(this.#heartbeats, 99),
    };
  }

  /** Lets all hosts together claim jobs, and end them when they are to `finish`. */
  async work(jobs: number, how: "start" | "finish"): Promise<Load> {
    this.#heartbeats = [];
    let left = jobs;
    const begun = performance.now();
    const one = async () => {
      while (left-- > 0) {
        const host = this.#hosts[left % this.#hosts.length];
        host.runs.push(await taken(host.queue));
        if (how === "finish") await this.#finish(host);
      }
    };
    const load = await this.#measure(() => Promise.all(Array.from({ length: AT_ONCE }, one)));
    const seconds = (performance.now() - begun) / 1000;
    return {
      "jobs a second": jobs / seconds,
      "CPU of Redis, us a job": load["CPU of Redis, %"] * seconds * 10_000 / jobs,
      "bytes to Redis a job": load["bytes to Redis"] * seconds / jobs,
      "bytes from Redis a job": load["bytes from Redis"] * seconds / jobs,
      "beat, p99, ms": percentile(this.#heartbeats, 99),
    };
  }

  async #finish({ queue, runs }: Host): Promise<void> {
    const end = { state: "finished", result: RESULT, error: "", exitCode: 0, outputBytes: 200, ms: 1 } as const;
    await queue.finish({ ...runs.pop()!, ...end, keep: 3_600, retryDelayMs: null });
  }

  /** Ends some hosts, and lets another one reap what they held; returns how long that lasted. */
  async lose(count: number): Promise<Load> {
    const lost = this.#hosts.splice(-count);
    const [other] = this.#hosts;
    for (const { instance, queue } of lost) {
      queue.close();
      await this.#redis.call("ZADD", `rr:lease:${Fleet.runner}`, 1, instance);
    }
    let runs = 0;
    const begun = performance.now();
    const options = { policy: "requeue", graceMs: 0, lostAfterMs: 0 } as const;
    const overdue = (await other.queue.leases()).filter(({ expiredMs }) => expiredMs > 0);
    for (const { instance } of overdue) {
      const held = await other.queue.holdings(instance);
      for (const { id } of held.attempts) {
        if (await other.queue.reap(instance, { attempt: id }, options) === "REQUEUED") runs++;
      }
      await other.queue.retire(instance);
    }
    if (overdue.length !== count) {
      throw new Error(`Cannot measure the loss of ${count} hosts: ${overdue.length} are overdue`);
    }
    return { "jobs that go on elsewhere": runs, "until they are queued again, ms": performance.now() - begun };
  }

  async #measure(work: () => Promise<unknown>): Promise<Load> {
    const measured = async () => ({
      at: performance.now(),
      cpu: await info(this.#redis, "used_cpu_user") + await info(this.#redis, "used_cpu_sys"),
      commands: await info(this.#redis, "total_commands_processed"),
      input: await info(this.#redis, "total_net_input_bytes"),
      output: await info(this.#redis, "total_net_output_bytes"),
    });
    const before = await measured();
    await work();
    const after = await measured();
    const seconds = (after.at - before.at) / 1000;
    return {
      "CPU of Redis, %": (after.cpu - before.cpu) * 100 / seconds,
      "commands, also those in scripts": (after.commands - before.commands) / seconds,
      "bytes to Redis": (after.input - before.input) / seconds,
      "bytes from Redis": (after.output - before.output) / seconds,
      "memory of Redis, MiB": await info(this.#redis, "used_memory") / (1 << 20),
      "connections": await info(this.#redis, "connected_clients"),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over = true;
    await Promise.all(this.#loops);
    for (const { queue } of this.#hosts) queue.close();
  }
}
