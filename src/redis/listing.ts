import { UnavailableError } from "../domain/errors.ts";
import type { JobFields } from "../domain/job.ts";
import type { Dependents, Placement, StoredInstance, StoredJob, StoredQueue, WaitingIds } from "../ports/job_store.ts";
import type { TerminalAccess } from "../ports/executor.ts";
import type { InstanceState } from "../ports/queue.ts";
import type { Keys } from "./keys.ts";
import { hasCode, type Link } from "./link.ts";
import { SCRIPTS } from "./scripts.ts";
import { pairsOf } from "./items.ts";

/** Bytes of a payload that a list shows. */
const PAYLOAD_SHOWN = 1_000;
/** Bytes of the end of an output in which its last line is searched. */
const END_SHOWN = 1_000;
/** Jobs, queues or instances of one read; Redis serves no other client meanwhile. */
const READ_AT_ONCE = 200;
/** Ids of one page. */
const PAGE = 1_000;

/** A job as the script `list` returns it. */
interface ListedJob {
  readonly type: string;
  readonly fields: JobFields;
  readonly meta: Readonly<Record<string, string>>;
}

/** An instance as the script `instances` returns it. */
interface InstanceRecord {
  readonly fields: Readonly<Record<string, string>>;
  readonly running: number;
}

interface Surveyed extends StoredQueue {
  /** Instances and the ends of their leases. */
  readonly leases: readonly (readonly [string, string])[];
}

/** Reads jobs, queues and instances, for overviews and explanations. */
export class Listing {
  readonly #link: Link;
  readonly #keys: Keys;

  constructor(link: Link, keys: Keys) {
    this.#link = link;
    this.#keys = keys;
  }

  /** Reads jobs without the fields that may be large; `"string"` for one that is stored as JSON text. */
  async summaries(ids: readonly string[]): Promise<(StoredJob | null | "string")[]> {
    return (await this.#read(ids, [PAYLOAD_SHOWN, 0])).map(({ type, fields, meta }, i) =>
      type === "none" ? null : type === "string" ? type : { id: ids[i], fields, meta: meta }
    );
  }

  /** @param shown Bytes of a payload, and of the end of a result. */
  async #read(ids: readonly string[], shown: readonly number[]): Promise<ListedJob[]> {
    const jobs: ListedJob[] = [];
    for (let at = 0; at < ids.length; at += READ_AT_ONCE) {
      const some = ids.slice(at, at + READ_AT_ONCE);
      const keys = some.flatMap((id) => [this.#keys.job(id), this.#keys.meta(id)]);
      const [, text] = await this.#link.run(SCRIPTS.list, keys, [...shown, this.#keys.batch(""), ...some]);
      jobs.push(...JSON.parse(String(text)) as ListedJob[]);
    }
    return jobs;
  }

  /** Reads the end of the output of each job that failed; empty for any other. */
  async endings(ids: readonly string[]): Promise<string[]> {
    return (await this.#read(ids, [0, END_SHOWN])).map(({ fields }) => fields.result ?? "");
  }

  /** Returns some jobs that wait for another one, or that were skipped because of it. */
  async dependents(id: string, which: "waiting" | "skipped", cursor: string): Promise<Dependents> {
    const key = which === "waiting" ? this.#keys.after(id) : this.#keys.skipped(id);
    const page = await Promise.all([
      this.#link.call("SCARD", [key]),
      this.#link.call("SSCAN", [key, cursor, "COUNT", READ_AT_ONCE]),
    ]).catch((error) => {
      if (hasCode(error, "WRONGTYPE")) return [0, ["0", []]];
      throw error;
    });
    const [total, [next, members]] = page as [number, [string, string[]]];
    const ids = which === "waiting" ? members.map((member) => member.slice(member.indexOf("\n") + 1)) : members;
    return { total, ids, next: next === "0" ? null : next };
  }

  /** Returns the ids of the jobs that an instance runs. */
  async running(runner: string, instance: string): Promise<readonly string[]> {
    return await this.#link.call("HKEYS", [this.#keys.attempts(runner, instance)]) as string[];
  }

  async place(job: StoredJob): Promise<Placement> {
    const keys = this.#keys;
    const runner = job.meta.runner || job.fields.runner || "";
    const [ahead, due, instances] = await Promise.all([
      this.#ahead(runner, job.id),
      this.#link.call("ZSCORE", [keys.delay(runner), job.id]),
      this.#link.call("ZRANGE", [keys.lease(runner), 0, -1]),
    ]);
    let claimedBy: string | null = null;
    for (const instance of instances as string[]) {
      const rank = await this.#link.call("LPOS", [keys.claim(runner, instance), job.id]);
      if (rank !== null) claimedBy = instance;
    }
    return { ahead, dueMs: due === null ? null : Number(due), claimedBy };
  }

  /** @param now Milliseconds of Redis' clock. */
  async instances(now: number): Promise<readonly StoredInstance[]> {
    const leases = (await this.#surveyed()).flatMap(({ runner, leases }) =>
      leases.map(([instance, ends]) => ({ runner, instance, leftMs: Number(ends) - now }))
    );
    const instances: StoredInstance[] = [];
    for (let at = 0; at < leases.length; at += READ_AT_ONCE) {
      const some = leases.slice(at, at + READ_AT_ONCE);
      const keys = some.flatMap(({ runner, instance }) => [
        this.#keys.instance(runner, instance),
        this.#keys.attempts(runner, instance),
      ]);
      const [, text] = await this.#link.run(SCRIPTS.instances, keys, []);
      for (const [i, record] of (JSON.parse(String(text)) as InstanceRecord[]).entries()) {
        instances.push(instanceOf(some[i], record));
      }
    }
    return instances;
  }

  async queues(): Promise<readonly StoredQueue[]> {
    return (await this.#surveyed()).map(({ leases: _, ...queue }) => queue);
  }

  /**
   * Yields the ids in the queues and among the delayed, parked and claimed jobs of all names, and of `name`. A job
   * moves from the delayed ones to a queue, and from there to a claim: in this order none is missed.
   */
  async *waiting(name?: string): AsyncGenerator<WaitingIds> {
    const keys = this.#keys;
    for (const { runner, queued, delayed, parked, leases } of await this.#surveyed(name)) {
      const lists = [
        ...(queued > 0 ? [keys.low(runner), keys.queue(runner)] : []),
        ...leases.map(([instance]) => keys.claim(runner, instance)),
      ];
      if (delayed > 0) yield* this.#pages(runner, "ZRANGE", keys.delay(runner));
      if (parked > 0) yield* this.#parked(runner);
      for (const list of lists) yield* this.#pages(runner, "LRANGE", list);
    }
  }

  /** Reads from the left, where new ids come: then one that is claimed meanwhile shifts none past the next page. */
  async *#pages(runner: string, command: "LRANGE" | "ZRANGE", key: string): AsyncGenerator<WaitingIds> {
    for (let from = 0;; from += PAGE) {
      const ids = await this.#range(command, key, from);
      if (ids.length > 0) yield { runner, ids };
      if (ids.length < PAGE) return;
    }
  }

  /** Yields the parked jobs of a queue; a member is `LIMIT\nRANK\nID`. */
  async *#parked(runner: string): AsyncGenerator<WaitingIds> {
    for await (const { ids } of this.#pages(runner, "ZRANGE", this.#keys.parked(runner))) {
      yield { runner, ids: ids.map((member) => member.split("\n").slice(2).join("\n")) };
    }
  }

  /** A foreign value counts as empty. */
  async #range(command: "LRANGE" | "ZRANGE", key: string, from: number): Promise<string[]> {
    try {
      return await this.#link.call(command, [key, from, from + PAGE - 1]) as string[];
    } catch (error) {
      if (hasCode(error, "WRONGTYPE")) return [];
      throw error;
    }
  }

  /**
   * Yields the ids in the index, oldest first. The score of the last entry is the position: ranks shift when an entry
   * leaves.
   */
  async *indexed(): AsyncGenerator<readonly string[]> {
    let from = "-inf";
    /** Those of the last page that have its last score; the next page begins with them. */
    let same = new Set<string>();
    for (;;) {
      const count = same.size + PAGE;
      const range = [this.#keys.jobs(), from, "+inf", "BYSCORE", "LIMIT", 0, count, "WITHSCORES"];
      const entries = pairsOf(await this.#link.call("ZRANGE", range) as string[]);
      const ids = entries.map(([id]) => id).filter((id) => !same.has(id));
      if (ids.length > 0) yield ids;
      if (entries.length < count) return;
      from = entries[entries.length - 1][1];
      same = new Set(entries.filter(([, score]) => score === from).map(([id]) => id));
    }
  }

  /** Removes the id of a cancelled job from every queue that holds it; `start` drops one that is left. */
  async remove(id: string): Promise<void> {
    try {
      const lists = (await this.#names()).flatMap((name) => [this.#keys.queue(name), this.#keys.low(name)]);
      for (const list of lists) await this.#link.call("LREM", [list, 0, id]);
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error;
    }
  }

  /** Reads the queues in use and that of `name`, and the leases of their runners. */
  async #surveyed(name?: string): Promise<Surveyed[]> {
    const names = [...new Set([...await this.#names(), ...name === undefined ? [] : [name]])];
    const queues: Surveyed[] = [];
    for (let at = 0; at < names.length; at += READ_AT_ONCE) {
      const some = names.slice(at, at + READ_AT_ONCE);
      const keys = some.flatMap((name) => [
        ...[this.#keys.queue(name), this.#keys.low(name), this.#keys.delay(name)],
        ...[this.#keys.paused(name), this.#keys.lease(name), this.#keys.parked(name)],
      ]);
      const [, text] = await this.#link.run(SCRIPTS.queues, keys, []);
      for (const [i, items] of (JSON.parse(String(text)) as (number | string)[][]).entries()) {
        const [queued, delayed, paused, parked] = items.map(Number);
        queues.push({ runner: some[i], queued, delayed, parked, paused: paused === 1, leases: pairsOf(items, 4) });
      }
    }
    return queues;
  }

  async #names(): Promise<string[]> {
    return await this.#link.call("SMEMBERS", [this.#keys.names()]) as string[];
  }

  /** Counts the jobs to be claimed before this one: from the right end of the queue, then of the low-priority list. */
  async #ahead(runner: string, id: string): Promise<number | null> {
    const [queue, low] = [this.#keys.queue(runner), this.#keys.low(runner)];
    const [queued, at, lowQueued, lowAt] = await Promise.all([
      this.#link.call("LLEN", [queue]),
      this.#link.call("LPOS", [queue, id, "RANK", -1]),
      this.#link.call("LLEN", [low]),
      this.#link.call("LPOS", [low, id, "RANK", -1]),
    ]);
    if (at !== null) return Number(queued) - 1 - Number(at);
    return lowAt === null ? null : Number(queued) + Number(lowQueued) - 1 - Number(lowAt);
  }
}

/** Reads how to reach terminals; `null` for what no runner has written. */
function readAccess(text: string | undefined): TerminalAccess | null {
  try {
    const access: unknown = JSON.parse(text ?? "");
    if (typeof access !== "object" || access === null || !("kind" in access)) return null;
    const isData = Object.values(access).every((value) => value === null || typeof value === "string");
    return isData && typeof access.kind === "string" ? access as TerminalAccess : null;
  } catch {
    return null;
  }
}

function instanceOf(
  { runner, instance, leftMs }: { runner: string; instance: string; leftMs: number },
  { fields, running }: InstanceRecord,
): StoredInstance {
  return {
    runner,
    instance,
    bootId: fields.boot_id ?? "",
    host: fields.host ?? "",
    pid: Number(fields.pid ?? 0),
    version: fields.version ?? "",
    slots: Number(fields.slots ?? 0),
    access: readAccess(fields.access),
    state: (fields.state ?? "detached") as InstanceState,
    silentMs: Math.max(0, Number(fields.ttl ?? 0) - leftMs),
    alive: leftMs > 0,
    running,
  };
}
