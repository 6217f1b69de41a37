import { UnavailableError } from "../domain/errors.ts";
import { JOB_FIELDS, type JobFields } from "../domain/job.ts";
import { readJsonJob } from "../domain/json_job.ts";
import { PREFIX_AMONG } from "../domain/limits.ts";
import type { Submission } from "../domain/submission.ts";
import type { Clock } from "../ports/clock.ts";
import type {
  CancelOptions,
  CancelReply,
  Dependents,
  JobStore,
  OutputPiece,
  Placement,
  PurgeQuery,
  PurgeReply,
  RetryOptions,
  RetryReply,
  StoredEvent,
  StoredInstance,
  StoredJob,
  StoredQueue,
  SubmitCondition,
  SubmitReply,
  WaitingIds,
} from "../ports/job_store.ts";
import type { JobRequest, RequestReply } from "../ports/requests.ts";
import { Batch } from "./batch.ts";
import { Batches } from "./batches.ts";
import { Cancellations, runnerOf, SEARCHES } from "./cancel.ts";
import type { Argument, Target } from "./client.ts";
import { EventLog } from "./event_log.ts";
import { Housekeeping } from "./housekeeping.ts";
import { DEAD_MS, type Keys } from "./keys.ts";
import { hasCode, Link, textOf } from "./link.ts";
import { Limits } from "./limits.ts";
import { Listing } from "./listing.ts";
import { Requests } from "./requests.ts";
import { fieldsOf } from "./replies.ts";
import { SCRIPTS } from "./scripts.ts";
import { pairsOf, recordOf } from "./items.ts";
import { Schedules } from "./schedules.ts";
import { Steps } from "./steps.ts";
import { callOf } from "./submission.ts";
import { WakeUps } from "./wake_ups.ts";

/** The most pieces of output of one read. */
const PIECES = 64;

/** The clients' side of Redis: one link for commands, and one subscribed connection while a caller waits. */
export class RedisJobStore implements JobStore {
  readonly schedules: Schedules;
  readonly batches: Batches;
  readonly limits: Limits;
  readonly #link: Link;
  readonly #keys: Keys;
  readonly #steps: Steps;
  readonly #submissions: Batch;
  readonly #cancellations: Cancellations;
  readonly #retries: Batch;
  readonly #housekeeping: Housekeeping;
  readonly #listing: Listing;
  readonly #events: EventLog;
  /** A link of its own, because a blocking command delays those after it. */
  readonly #blocking: Link;
  readonly #closing = new AbortController();
  readonly #wakeUps: WakeUps;

  constructor(target: Target, options: { keys: Keys; clock: Clock }) {
    this.#keys = options.keys;
    this.#link = new Link(target, options.clock);
    this.#steps = new Steps(this.#link, options.keys);
    this.schedules = new Schedules(this.#steps);
    this.batches = new Batches(this.#steps);
    this.limits = new Limits(this.#steps, 0);
    this.#submissions = new Batch(this.#link, SCRIPTS.submit);
    this.#cancellations = new Cancellations(this.#steps);
    this.#retries = new Batch(this.#link, SCRIPTS.retry, { maxCalls: SEARCHES });
    this.#housekeeping = new Housekeeping(this.#link, options.keys);
    this.#listing = new Listing(this.#link, options.keys);
    this.#blocking = new Link(target, options.clock);
    this.#events = new EventLog({
      link: this.#link,
      blocking: new Link(target, options.clock),
      key: options.keys.events(),
    });
    this.#wakeUps = new WakeUps(target, options.clock);
  }

  async submit(
    submission: Submission & { readonly id: string },
    condition: SubmitCondition = {},
  ): Promise<SubmitReply> {
    const call = callOf(this.#keys, submission, condition);
    const reply = await this.#steps.together(this.#submissions, submission.id, call);
    const type = reply[0] as SubmitReply["type"];
    if (type === "FULL") return { type, waiting: Number(reply[1]) };
    if (type === "ORPHAN") return { type, after: String(reply[1]) };
    if (type === "OK" && submission.notBeforeMs !== undefined) await this.#wakeUp(submission.runner);
    return { type };
  }

  async cancel(id: string, reason: string, options: CancelOptions = {}): Promise<CancelReply> {
    let [queue, reply] = await this.#cancellations.cancel(id, reason, options);
    if (reply[0] === "JSON") {
      const raw = String(reply[1]);
      const fields = readJsonJob(raw);
      if (fields) await this.#steps.convert(id, raw, fields);
      [queue, reply] = await this.#cancellations.cancel(id, reason, { ...options, isString: true });
    }
    const type = reply[0] as CancelReply["type"];
    if (type === "CANCELLED") {
      await this.#steps.settleAll(reply.slice(2).map(String));
      if (reply[1] === 0) await this.#listing.remove(id); // a foreign program may have pushed it elsewhere
    }
    if (type === "REQUESTED") await this.#wakeUp(queue);
    return { type };
  }

  async retry(id: string, { runner: known, skipped = false }: RetryOptions = {}): Promise<RetryReply> {
    const runner = known ?? await runnerOf(this.#steps, id);
    if (runner === "") return { type: await this.read(id) ? "NOWHERE" : "MISSING" };
    const keys = this.#keys;
    const again = (settled: boolean) =>
      this.#steps.together(this.#retries, id, {
        keys: [keys.queue(runner), keys.low(runner), keys.delay(runner), keys.jobs(), keys.names()],
        args: [runner, settled ? 1 : 0, skipped ? 1 : 0],
      });
    let reply = await again(false);
    if (reply[0] === "SETTLE") {
      await this.#steps.settleMet(id);
      reply = await again(true);
    }
    const [type, detail, state] = reply;
    switch (type as RetryReply["type"]) {
      case "ALIVE":
        return { type: "ALIVE", status: String(detail) };
      case "WAITS":
        return { type: "WAITS", after: reply.slice(1).map(String) };
      case "NEVER":
        return { type: "NEVER", after: String(detail), failed: state !== "" };
      case "OK":
        if (detail !== undefined) await this.#wakeUp(runner); // it is delayed
        return { type: "OK" };
      case "EMPTY":
        return { type: "EMPTY" };
      default:
        return { type: "MISSING" };
    }
  }

  dependents(id: string, which: "waiting" | "skipped", cursor = "0"): Promise<Dependents> {
    return this.#listing.dependents(id, which, cursor);
  }

  async request(
    job: StoredJob,
    request: JobRequest,
    options: { reply: string; waitMs: number },
  ): Promise<RequestReply> {
    const requests = new Requests(this.#link, this.#keys);
    return await requests.send(job, request, { ...options, blocking: this.#blocking });
  }

  purge(query: PurgeQuery, ids: readonly string[]): Promise<readonly PurgeReply[]> {
    return this.#housekeeping.purge(query, ids);
  }

  async read(id: string): Promise<StoredJob | null> {
    const [fields, meta] = await Promise.all([this.#fields(id), this.#meta(id)]);
    return fields && { id, fields, meta: await this.batches.withShared(id, meta) };
  }

  async summaries(ids: readonly string[]): Promise<readonly (StoredJob | null)[]> {
    const jobs: (StoredJob | null)[] = [];
    for (const [i, job] of (await this.#listing.summaries(ids)).entries()) {
      jobs.push(job === "string" ? await this.read(ids[i]) : job);
    }
    return jobs;
  }

  endings(ids: readonly string[]): Promise<readonly string[]> {
    return this.#listing.endings(ids);
  }

  async newest(count: number, offset = 0): Promise<readonly string[]> {
    return await this.#link.call("ZREVRANGE", [this.#keys.jobs(), offset, offset + count - 1]) as string[];
  }

  async indexSize(): Promise<number> {
    return Number(await this.#link.call("ZCARD", [this.#keys.jobs()]));
  }

  indexed(): AsyncIterable<readonly string[]> {
    return this.#listing.indexed();
  }

  waiting(name?: string): AsyncIterable<WaitingIds> {
    return this.#listing.waiting(name);
  }

  async withPrefix(prefix: string, limit: number): Promise<readonly string[]> {
    const ids = await this.newest(PREFIX_AMONG);
    return ids.filter((id) => id.startsWith(prefix)).slice(0, limit);
  }

  running(runner: string, instance: string): Promise<readonly string[]> {
    return this.#listing.running(runner, instance);
  }

  place(job: StoredJob): Promise<Placement> {
    return this.#listing.place(job);
  }

  async instances(): Promise<readonly StoredInstance[]> {
    return await this.#listing.instances(await this.time());
  }

  queues(): Promise<readonly StoredQueue[]> {
    return this.#listing.queues();
  }

  newestEvents(count: number): Promise<readonly StoredEvent[]> {
    return this.#events.newest(count);
  }

  eventsAfter(cursor: string, waitMs: number): Promise<readonly StoredEvent[]> {
    return this.#events.after(cursor, waitMs);
  }

  async pause(runner: string, paused: boolean): Promise<void> {
    const key = this.#keys.paused(runner);
    if (!paused) await this.#link.call("DEL", [key]);
    else await this.#link.call("SET", [key, await this.time()]);
    await this.#wakeUp(runner);
  }

  async deadLetters(
    limit: number,
  ): Promise<readonly { readonly id: string; readonly reason: string; readonly ms: number }[]> {
    const dead = await this.#link.call("ZREVRANGE", [this.#keys.dead(), 0, limit - 1, "WITHSCORES"]) as string[];
    const since = await this.time() - DEAD_MS;
    return pairsOf(dead).filter(([, ms]) => Number(ms) > since).map(([member, ms]) => {
      const end = member.indexOf("\n");
      return { id: member.slice(end + 1), reason: member.slice(0, end), ms: Number(ms) };
    });
  }

  async output(id: string, cursor: string): Promise<readonly OutputPiece[]> {
    const range: Argument[] = [this.#keys.output(id), cursor === "" ? "-" : `(${cursor}`, "+", "COUNT", PIECES];
    const entries = await this.#link.call("XRANGE", range, { bytes: true });
    return (entries as [Uint8Array, Uint8Array[]][]).map(([cursor, [, attempt, , offset, , bytes]]) => ({
      cursor: String(textOf(cursor)),
      attempt: Number(textOf(attempt)),
      offset: Number(textOf(offset)),
      bytes,
    }));
  }

  async *changes(id: string, everyMs: number, leave: AbortSignal, output = false): AsyncGenerator<void> {
    const signal = AbortSignal.any([leave, this.#closing.signal]);
    let woken = false;
    let wake = () => {};
    const channels = [this.#keys.channel(id), ...output ? [this.#keys.outputChannel(id)] : []];
    const unlisten = channels.map((channel) =>
      this.#wakeUps.listen(channel, () => {
        woken = true;
        wake();
      })
    );
    const abort = () => wake();
    signal.addEventListener("abort", abort);
    try {
      while (!signal.aborted) {
        if (!woken) {
          await new Promise<void>((resolve) => {
            const timer = setTimeout(resolve, everyMs);
            wake = () => {
              clearTimeout(timer);
              resolve();
            };
          });
        }
        if (signal.aborted) return;
        woken = false;
        yield;
      }
    } finally {
      signal.removeEventListener("abort", abort);
      for (const leave of unlisten) leave();
    }
  }

  time(): Promise<number> {
    return this.#housekeeping.time();
  }

  close(): void {
    this.#closing.abort();
    this.#wakeUps.close();
    this.#events.close();
    this.#blocking.close();
    this.#link.close();
  }

  /** Asks the runners of a name to send their heartbeats now; without it they notice the change at the next ones. */
  async #wakeUp(runner: string): Promise<void> {
    try {
      await this.#link.call("PUBLISH", [this.#keys.wakeUp(runner), ""]);
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error;
    }
  }

  async #fields(id: string): Promise<JobFields | null> {
    const key = this.#keys.job(id);
    try {
      const values = await this.#link.call("HMGET", [key, ...JOB_FIELDS]) as (string | null)[];
      if (values.every((value) => value === null) && await this.#link.call("EXISTS", [key]) === 0) return null;
      return fieldsOf(values, 0);
    } catch (error) {
      if (!hasCode(error, "WRONGTYPE")) throw error;
      return await this.#string(key);
    }
  }

  /** Reads a job that a foreign program stored as one JSON object, before a runner has turned it into a hash. */
  async #string(key: string): Promise<JobFields> {
    try {
      return readJsonJob(String(await this.#link.call("GET", [key]))) ?? {};
    } catch (error) {
      if (!hasCode(error, "WRONGTYPE")) throw error;
      return {};
    }
  }

  async #meta(id: string): Promise<Record<string, string>> {
    try {
      return recordOf(await this.#link.call("HGETALL", [this.#keys.meta(id)]) as string[]);
    } catch (error) {
      if (hasCode(error, "WRONGTYPE")) return {};
      throw error;
    }
  }
}
