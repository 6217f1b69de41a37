import { parseRedisUrl } from "../../src/redis/url.ts";
import { Keys } from "../../src/redis/keys.ts";
import { openQueue } from "../../src/redis/open.ts";
import { openStore, type Place } from "../../src/redis/open_store.ts";
import type { InstanceIdentity } from "../../src/redis/identity.ts";
import type { RedisQueue } from "../../src/redis/queue.ts";
import type { RedisJobStore } from "../../src/redis/job_store.ts";
import type { FinishRequest, InstanceInfo, OwnedAttempt, StartReply } from "../../src/ports/queue.ts";
import type { Submission } from "../../src/domain/submission.ts";
import { systemClock } from "../../src/system/clock.ts";
import { RedisServer, type RedisServerOptions } from "../support/redis_server.ts";

/** What a runner of the tests says about itself. */
export const INFO: InstanceInfo = {
  bootId: "boot-1",
  host: "host-1",
  pid: 7,
  version: "0.0.0",
  slots: 4,
  access: { kind: "tmux", socket: null },
};

export const NAMESPACE = "test:";

/** A place for the program's side; `address` may be that of a proxy. */
export function placeAt(address: string, namespace: string = NAMESPACE): Place {
  return { url: parseRedisUrl(address), namespace, clock: systemClock };
}

/** The bytes of an id. */
export function raw(id: string): Uint8Array {
  return new TextEncoder().encode(id);
}

/** The end of an attempt. */
export function ended(run: OwnedAttempt, more: Partial<FinishRequest> = {}): FinishRequest {
  const end = { state: "finished", result: "out", error: "", exitCode: 0, outputBytes: 3, ms: 5 } as const;
  return { id: run.id, token: run.token, ...end, keep: 60, retryDelayMs: null, ...more };
}

/** A Redis with a registered runner `r`, instance `i`, and a client. */
export class RedisFixture implements AsyncDisposable {
  readonly server: RedisServer;
  readonly keys = new Keys(NAMESPACE);
  readonly queue: RedisQueue;
  readonly store: RedisJobStore;
  readonly #open: { close(): void }[] = [];

  private constructor(server: RedisServer) {
    this.server = server;
    this.queue = this.runner();
    this.store = openStore(placeAt(server.address));
    this.#open.push(this.store);
  }

  /** Returns the time of Redis' clock, whole Unix milliseconds. */
  async now(): Promise<number> {
    const [seconds, microseconds] = (await this.server.call("TIME") as string[]).map(Number);
    return seconds * 1000 + Math.floor(microseconds / 1000);
  }

  static async open(options: RedisServerOptions = {}): Promise<RedisFixture> {
    const fixture = new RedisFixture(await RedisServer.start(options));
    await fixture.queue.register(INFO);
    return fixture;
  }

  /** One more runner; not registered. */
  runner(owner: Partial<InstanceIdentity> = {}, address: string = this.server.address): RedisQueue {
    const queue = openQueue(placeAt(address), { runner: "r", instance: "i", nonce: "n1", ...owner });
    this.#open.push(queue);
    return queue;
  }

  async submit(id: string, more: Partial<Submission> = {}): Promise<string> {
    const submission = { id, payload: "true", runner: "r", executor: "tmux.main", ...more };
    return (await this.store.submit(submission)).type;
  }

  /** Claims jobs without starting them; returns their ids. */
  async claim(limit: number, queue: RedisQueue = this.queue): Promise<string[]> {
    const claimed = await queue.claim(limit);
    if (claimed === "FENCED") throw new Error("claim answered FENCED");
    return claimed.map(({ raw }) => new TextDecoder().decode(raw));
  }

  /** Submits and claims a job. */
  async claimed(id: string, more: Partial<Submission> = {}): Promise<string> {
    await this.submit(id, more);
    await this.queue.claim(1);
    return id;
  }

  /** Submits, claims and starts a job. */
  async started(id: string, more: Partial<Submission> = {}): Promise<StartReply & { type: "OK" } & OwnedAttempt> {
    await this.claimed(id, more);
    const reply = await this.queue.start(id);
    if (reply.type !== "OK") throw new Error(`start answered ${reply.type}`);
    return { ...reply, type: "OK", id };
  }

  job(id: string): Promise<Record<string, string>> {
    return this.server.hash(this.keys.job(id));
  }

  meta(id: string): Promise<Record<string, string>> {
    return this.server.hash(this.keys.meta(id));
  }

  async list(key: string): Promise<string[]> {
    return await this.server.call("LRANGE", key, 0, -1) as string[];
  }

  /** Makes the lease of an instance end now. */
  async expire(instance: string): Promise<void> {
    await this.server.call("ZADD", this.keys.lease("r"), 1, instance);
  }

  /** Ends the time for which jobs with limits do not start after the first registration. */
  async endHold(): Promise<void> {
    await this.server.call("HSET", this.keys.limitState(), "hold", 0);
  }

  /** Names of the events so far, oldest first. */
  async events(): Promise<string[]> {
    const entries = await this.server.call("XRANGE", this.keys.events(), "-", "+") as [string, string[]][];
    return entries.map(([, fields]) => fields[1]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of this.#open) one.close();
    await this.server[Symbol.asyncDispose]();
  }
}
