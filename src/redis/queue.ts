import type { JobFields } from "../domain/job.ts";
import { DEFAULT_KEEP } from "../domain/limits.ts";
import type { Clock } from "../ports/clock.ts";
import type {
  Claimed,
  FinishReply,
  FinishRequest,
  HeartbeatReply,
  InstanceInfo,
  InstanceLease,
  InstanceState,
  LostPolicy,
  OwnedAttempt,
  PromoteReply,
  Queue,
  RawId,
  ReapReply,
  ReassertReply,
  ReassertRequest,
  RegisterOptions,
  RegisterReply,
  StartReply,
} from "../ports/queue.ts";
import { Batch } from "./batch.ts";
import type { Argument, Target } from "./client.ts";
import type { JobReply, OpenRequest, RequestKind } from "../ports/requests.ts";
import type { SettledEnd } from "../ports/attempt_journal.ts";
import { Housekeeping } from "./housekeeping.ts";
import { Evidence, historyOf, serverIdOf } from "./evidence.ts";
import { DEAD_MS, Keys, LEFT_MS } from "./keys.ts";
import { Link, textOf } from "./link.ts";
import { appendOutput } from "./live_output.ts";
import { FullWait } from "./full_wait.ts";
import { Limits } from "./limits.ts";
import { readClaim, readHeartbeat, readStart } from "./replies.ts";
import type { InstanceIdentity } from "./identity.ts";
import { endOf, endOfAttempt, reap, reassert, restore } from "./recovery.ts";
import { register } from "./registration.ts";
import { Requests } from "./requests.ts";
import { Schedules } from "./schedules.ts";
import { SCRIPTS } from "./scripts.ts";
import { type Items, pairsOf } from "./items.ts";
import { Steps } from "./steps.ts";
import { WakeUps } from "./wake_ups.ts";

/**
 * The runner's side of the queue in Redis: links for commands, for starts and for waiting, and one subscribed
 * connection.
 */
export class RedisQueue implements Queue {
  readonly schedules: Schedules;
  readonly limits: Limits;
  readonly #full: FullWait;
  readonly #steps: Steps;
  /** Starts have a link of their own, so that they and the ends of other jobs need not wait for each other. */
  readonly #starting: Link;
  readonly #starts: Steps;
  readonly #peeks: Batch;
  readonly #startBatch: Batch;
  readonly #finishes: Batch;
  readonly #keys: Keys;
  readonly #link: Link;
  /** A link of its own, because a blocking command delays all others of its link. */
  readonly #waiting: Link;
  readonly #wakeUps: WakeUps;
  readonly #clock: Clock;
  readonly #identity: Required<InstanceIdentity>;
  readonly #housekeeping: Housekeeping;
  readonly #requests: Requests;
  readonly #evidence = new Evidence();
  /** Redis' clock minus the monotonic one; only a hint, because every script reads Redis' clock itself. */
  #ahead: number | null = null;

  constructor(target: Target, options: { keys: Keys; identity: InstanceIdentity; clock: Clock }) {
    const { keys, identity, clock } = options;
    this.#keys = keys;
    this.#clock = clock;
    this.#identity = { leaseMs: 30_000, ...identity };
    const failed = (code: string | undefined) => this.#evidence.failed(code);
    this.#link = new Link(target, clock, failed);
    this.#waiting = new Link(target, clock, failed);
    this.#wakeUps = new WakeUps(target, clock);
    this.#steps = new Steps(this.#link, keys);
    this.schedules = new Schedules(this.#steps);
    this.limits = new Limits(this.#steps, this.#identity.leaseMs);
    this.#full = new FullWait(clock);
    this.#starting = new Link(target, clock, failed);
    this.#starts = new Steps(this.#starting, keys);
    this.#peeks = new Batch(this.#starting, SCRIPTS.peek);
    this.#startBatch = new Batch(this.#starting, SCRIPTS.start);
    this.#finishes = new Batch(this.#link, SCRIPTS.finish);
    this.#housekeeping = new Housekeeping(this.#link, keys);
    this.#requests = new Requests(this.#link, keys);
  }

  async register(info: InstanceInfo, options: RegisterOptions = {}): Promise<RegisterReply> {
    const { at, reply } = await register(this.#link, this.#keys, {
      ...options,
      info,
      identity: this.#identity,
      evidence: this.#evidence,
    });
    if (at !== null) this.#ahead = at - this.#clock.now();
    return reply;
  }

  async heartbeat(attempts: readonly OwnedAttempt[], state: InstanceState): Promise<HeartbeatReply> {
    const { runner, instance, nonce, leaseMs } = this.#identity;
    const queueKeys = [this.#keys.paused(runner), this.#keys.delay(runner)];
    const sharedKeys = [this.#keys.schedules(), this.#keys.limits()];
    const keys = [this.#keys.lease(runner), ...this.#instanceKeys(instance), ...queueKeys, ...sharedKeys];
    const args: Argument[] = [instance, nonce, leaseMs, state, this.#evidence.reported, runner];
    for (const { id, token } of attempts) {
      keys.push(this.#keys.job(id), this.#keys.meta(id));
      args.push(id, token);
    }
    const reply = await this.#link.run(SCRIPTS.heartbeat, keys, args);
    if (reply[0] === "OK") {
      this.#ahead = Number(reply[1]) - this.#clock.now();
      this.#evidence.heartbeat(Number(reply[7]), String(reply[8]));
    }
    return readHeartbeat(reply);
  }

  async retire(instance: string = this.#identity.instance): Promise<boolean> {
    const { runner, nonce } = this.#identity;
    const keys = [this.#keys.lease(runner), ...this.#instanceKeys(instance), this.#keys.history(runner)];
    return (await this.#link.run(SCRIPTS.retire, keys, [instance, nonce, LEFT_MS]))[0] === "OK";
  }

  async claim(limit: number, executors: Iterable<string> = [], waited = ""): Promise<readonly Claimed[] | "FENCED"> {
    const { runner, instance, nonce } = this.#identity;
    const keys = this.#keys;
    const [instanceKey, attempts, claim] = this.#instanceKeys(instance);
    const [head, ...rest] = await this.#starting.runBytes(
      SCRIPTS.claim,
      [keys.queue(runner), keys.low(runner), claim, attempts, instanceKey, keys.jobs(), keys.events()],
      [
        ...[limit, instance, nonce, runner, DEFAULT_KEEP * 1_000],
        ...[keys.job(""), keys.meta(""), keys.output(""), keys.after(""), keys.channel("")],
        ...[waited, this.#evidence.reported, this.#evidence.history, ...executors],
      ],
    );
    const text = String(textOf(head));
    if (text === "FENCED") return text;
    if (text === "LOST") throw this.#evidence.lost("claim");
    const { isFull, started } = readClaim(text);
    this.#full.note(isFull);
    const claimed: Claimed[] = [];
    for (const [id, reply] of started) {
      claimed.push({ raw: new TextEncoder().encode(id), reply: await this.#begun(reply) });
    }
    for (const raw of rest) claimed.push({ raw: raw as RawId, reply: null });
    return claimed;
  }

  async wait(waitMs: number): Promise<RawId | null> {
    if (this.#full.isFull) {
      await this.#full.wait(waitMs);
      return null;
    }
    const { runner, instance } = this.#identity;
    const [queue, claim] = [this.#keys.queue(runner), this.#keys.claim(runner, instance)];
    const options = { name: "claim", bytes: true, ms: waitMs + 2_000 };
    return await this.#waiting.call("BLMOVE", [queue, claim, "RIGHT", "LEFT", waitMs / 1000], options) as RawId | null;
  }

  onWakeUp(wake: () => void): void {
    this.#wakeUps.listen(this.#keys.wakeUp(this.#identity.runner), wake);
  }

  async length(): Promise<number> {
    return await this.#housekeeping.lengthOf(this.#identity.runner);
  }

  stopWaiting(): void {
    this.#waiting.close();
    this.#full.note(false); // the next wait rejects
    this.#full.wake();
  }

  async claimed(): Promise<readonly RawId[]> {
    return await this.#claimsOf(this.#identity.instance);
  }

  async peek(id: string): Promise<string | null> {
    return (await this.#peeks.run([this.#keys.job(id)], []))[0] as string | null;
  }

  newestAttempts(ids: readonly string[]): Promise<readonly number[]> {
    return this.#housekeeping.newestAttempts(ids);
  }

  async owned(): Promise<readonly OwnedAttempt[]> {
    return await this.#attemptsOf(this.#identity.instance);
  }

  async start(id: string, options: { anyRunner?: boolean } = {}): Promise<StartReply> {
    const { runner, instance, nonce } = this.#identity;
    const [instanceKey, attempts, claim] = this.#instanceKeys(instance);
    const reply = await this.#starts.together(this.#startBatch, id, {
      keys: [claim, attempts, instanceKey, this.#keys.jobs()],
      args: [instance, nonce, runner, options.anyRunner ? 1 : 0, this.#evidence.reported],
    });
    return await this.#begun(reply);
  }

  /** Reads the reply to a start, and settles what waits for a job that the start has ended. */
  async #begun(items: Items): Promise<StartReply> {
    if (items[0] === "LOST") throw this.#evidence.lost("start");
    const reply = readStart(items);
    if (reply.type === "FULL") this.#full.note(true);
    if (reply.type === "OK") this.#evidence.noteSeq(reply.seq);
    if (reply.type === "CANCELLED" || reply.type === "TOOBIG") await this.#steps.settleAll(items.slice(1).map(String));
    return reply;
  }

  async finish(request: FinishRequest): Promise<FinishReply> {
    const { runner, instance } = this.#identity;
    const reply = await this.#steps.together(this.#finishes, request.id, {
      keys: [this.#keys.attempts(runner, instance), this.#keys.delay(runner)],
      args: endOfAttempt(request),
      keepMs: request.keep * 1_000,
    });
    this.#full.wake();
    return { type: reply[0] as FinishReply["type"], open: reply.slice(1).map(String) };
  }

  async release(id: RawId): Promise<boolean> {
    const { runner, instance, nonce } = this.#identity;
    const [instanceKey, , claim] = this.#instanceKeys(instance);
    const keys = [claim, this.#keys.queue(runner), instanceKey, this.#keys.events()];
    return (await this.#link.run(SCRIPTS.release, keys, [id, nonce]))[0] === "OK";
  }

  async reroute(id: string, runner: string): Promise<"OK" | "GONE" | "AGAIN"> {
    const own = this.#identity;
    const reply = await this.#steps.job(SCRIPTS.reroute, id, {
      keys: [this.#keys.claim(own.runner, own.instance), this.#keys.queue(runner), this.#keys.names()],
      args: [runner, own.runner],
    });
    if (reply[0] === "AGAIN") await this.#steps.settleAll(reply.slice(1).map(String));
    return reply[0] as "OK" | "GONE" | "AGAIN";
  }

  async deadLetter(id: RawId, reason: string): Promise<boolean> {
    const { runner, instance } = this.#identity;
    const keys = [this.#keys.claim(runner, instance), this.#keys.dead(), this.#keys.events()];
    return (await this.#link.run(SCRIPTS.dead_letter, keys, [id, reason.replaceAll("\n", " "), DEAD_MS]))[0] === "OK";
  }

  convert(id: string, raw: string, fields: JobFields): Promise<"OK" | "CHANGED"> {
    return this.#steps.convert(id, raw, fields);
  }

  reassert(request: ReassertRequest): Promise<ReassertReply> {
    return reassert(this.#steps, this.#identity, request);
  }

  restore(request: ReassertRequest, end: FinishRequest): Promise<FinishReply> {
    return restore(this.#steps, this.#identity, request, end);
  }

  endOf(attempt: OwnedAttempt): Promise<SettledEnd | null> {
    return endOf(this.#steps, attempt);
  }

  async due(limit: number): Promise<readonly string[]> {
    const range = ["-inf", Math.ceil(await this.#now()), "LIMIT", 0, limit];
    return await this.#link.call("ZRANGEBYSCORE", [this.#keys.delay(this.#identity.runner), ...range]) as string[];
  }

  promote(id: string, options: { runner?: string; force?: boolean } = {}): Promise<PromoteReply> {
    return this.#steps.promote(options.runner ?? this.#identity.runner, id, options.force ?? false);
  }

  settle(id: string): Promise<readonly string[]> {
    return this.#steps.settle(id);
  }

  unsettled(limit: number): Promise<readonly string[]> {
    return this.#housekeeping.unsettled(limit);
  }

  async leases(): Promise<readonly InstanceLease[]> {
    const now = await this.#now();
    const leases = await this.#link.call("ZRANGE", [this.#keys.lease(this.#identity.runner), 0, -1, "WITHSCORES"]);
    return pairsOf(leases as string[])
      .filter(([instance]) => instance !== this.#identity.instance)
      .map(([instance, ends]) => ({ instance, expiredMs: now - Number(ends) }));
  }

  async holdings(instance: string): Promise<Awaited<ReturnType<Queue["holdings"]>>> {
    const [claims, attempts] = await Promise.all([this.#claimsOf(instance), this.#attemptsOf(instance)]);
    return { claims, attempts };
  }

  async reap(
    instance: string,
    what: { readonly claim: RawId } | { readonly attempt: string },
    options: { policy: LostPolicy; graceMs: number; lostAfterMs: number },
  ): Promise<ReapReply> {
    return await reap(this.#steps, { runner: this.#identity.runner, instance }, { what, ...options });
  }

  async inputRequired(attempt: OwnedAttempt, line: string): Promise<void> {
    await this.#steps.job(SCRIPTS.input_required, attempt.id, { args: [attempt.token, line] });
  }

  async inputResolved(attempt: OwnedAttempt): Promise<boolean> {
    const [reply] = await this.#steps.job(SCRIPTS.input_resolved, attempt.id, { args: [attempt.token] });
    return reply === "OK";
  }

  onRequest(kind: RequestKind, wake: () => void): void {
    this.#wakeUps.listen(this.#requests.list(kind, this.#identity), wake);
  }

  serve(kind: RequestKind): Promise<OpenRequest | null> {
    return this.#requests.serve(kind, this.#identity);
  }

  async reply(request: OpenRequest, reply: JobReply): Promise<void> {
    await this.#requests.reply(request, reply);
  }

  appendOutput(attempt: OwnedAttempt, offset: number, bytes: Uint8Array): Promise<number> {
    return appendOutput(this.#steps, attempt, { offset, bytes });
  }

  sweep(limit: number): Promise<number> {
    return this.#housekeeping.sweep(limit);
  }

  async serverId(): Promise<string> {
    return serverIdOf(String(await this.#link.call("INFO", [])));
  }

  trust(serverId: string): void {
    this.#evidence.history = historyOf(serverId);
  }

  async seal(): Promise<void> {
    await this.#link.call("HSET", [this.#keys.history(this.#identity.runner), "whole", this.#evidence.history]);
  }

  async back(instances: readonly string[]): Promise<readonly string[]> {
    return await this.#housekeeping.restored(this.#identity.runner, instances, this.#evidence.history);
  }

  recall(seq: number): void {
    this.#evidence.noteSeq(seq);
  }

  get reported(): number {
    return this.#evidence.reported;
  }

  get doubts(): number {
    return this.#evidence.doubts;
  }

  close(): void {
    this.#wakeUps.close();
    this.#waiting.close();
    this.#link.close();
    this.#starting.close();
  }

  /** Returns the keys of instance, attempts and claim. */
  #instanceKeys(instance: string): [instance: string, attempts: string, claim: string] {
    const { runner } = this.#identity;
    return [
      this.#keys.instance(runner, instance),
      this.#keys.attempts(runner, instance),
      this.#keys.claim(runner, instance),
    ];
  }

  async #claimsOf(instance: string): Promise<RawId[]> {
    const key = this.#keys.claim(this.#identity.runner, instance);
    const ids = await this.#link.call("LRANGE", [key, 0, -1], { bytes: true }) as RawId[];
    return ids.reverse();
  }

  async #attemptsOf(instance: string): Promise<OwnedAttempt[]> {
    const attempts = await this.#link.call("HGETALL", [this.#keys.attempts(this.#identity.runner, instance)]);
    return pairsOf(attempts as string[]).map(([id, token]) => ({ id, token }));
  }

  ageOf(ms: number): number {
    return this.#ahead === null || ms <= 0 ? 0 : Math.max(0, this.#clock.now() + this.#ahead - ms);
  }

  /** Estimates Redis' clock, Unix ms. */
  async #now(): Promise<number> {
    this.#ahead ??= await this.#housekeeping.time() - this.#clock.now();
    return this.#clock.now() + this.#ahead;
  }
}
