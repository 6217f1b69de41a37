import { isFinal } from "../../src/domain/lifecycle.ts";
import { conditionsOf, dependenciesOf, metaOf } from "../../src/domain/job_meta.ts";
import type { Submission } from "../../src/domain/submission.ts";
import type {
  CancelOptions,
  CancelReply,
  Dependents,
  OutputPiece,
  Placement,
  PurgeQuery,
  PurgeReply,
  RetryReply,
  StoredEvent,
  StoredInstance,
  StoredJob,
  StoredQueue,
  SubmitCondition,
  SubmitReply,
  WaitingIds,
} from "../../src/ports/job_store.ts";
import type { JobRequest, RequestReply } from "../../src/ports/requests.ts";
import type { ClientStore } from "../../src/ports/schedules.ts";
import { FakeBatches } from "./fake_batches.ts";
import { FakeLimits } from "./fake_limits.ts";
import { FakeSchedules } from "./fake_schedules.ts";

const NOWHERE: Placement = { ahead: null, dueMs: null, claimedBy: null };

type Asked = [id: string, request: JobRequest];

/** A job store in memory: what tests put into it, clients see; `touch` wakes those who wait for changes. */
export class FakeStore implements ClientStore {
  readonly schedules = new FakeSchedules(() => this.nowMs);
  readonly batches = new FakeBatches();
  readonly limits = new FakeLimits();
  /** Submissions in the order in which they came. */
  readonly submitted: (Submission & { readonly id: string })[] = [];
  readonly jobs = new Map<string, StoredJob>();
  readonly pieces = new Map<string, OutputPiece[]>();
  readonly cancelled: [id: string, reason: string][] = [];
  /** The options of each. */
  readonly cancelOptions: (CancelOptions | undefined)[] = [];
  /** Requests to runners, and what they are answered. */
  readonly asked: Asked[] = [];
  answer: RequestReply = { type: "typed" };
  placement: Placement = NOWHERE;
  instanceList: StoredInstance[] = [];
  queueList: StoredQueue[] = [];
  /** What the queues hold. */
  queued: WaitingIds[] = [];
  /** Ids that are not in the index. */
  unindexed: string[] = [];
  deadLetterList: { id: string; reason: string; ms: number }[] = [];
  nowMs = Date.UTC(2026, 0, 31, 12, 0, 0);
  closed = false;
  readonly events: StoredEvent[] = [];
  /** Thrown by the next `eventsAfter`s, one each. */
  readonly eventErrors: Error[] = [];
  /** Thrown by the next `read`s, one each. */
  readonly readErrors: Error[] = [];
  /** The most reads that were under way at the same time. */
  mostReads = 0;
  /** Called before each submission is taken. */
  onSubmit: (submission: Submission & { readonly id: string }) => void | Promise<void> = () => {};
  #reads = 0;
  readonly #waiting = new Map<string, Set<() => void>>();

  /** Puts a job there, as the newest. */
  put(id: string, fields: StoredJob["fields"], meta: Record<string, string> = {}): void {
    this.jobs.delete(id);
    this.jobs.set(id, { id, fields: { id, ...fields }, meta });
    this.touch(id);
  }

  /** Changes fields of a job that is there. */
  change(id: string, fields: StoredJob["fields"], meta: Record<string, string> = {}): void {
    const job = this.jobs.get(id)!;
    this.jobs.set(id, { id, fields: { ...job.fields, ...fields }, meta: { ...job.meta, ...meta } });
    this.touch(id);
  }

  /** Adds a piece of live output. */
  append(id: string, offset: number, text: string | Uint8Array, attempt = 1): void {
    const list = this.pieces.get(id) ?? [];
    const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
    list.push({ cursor: String(list.length + 1), attempt, offset, bytes });
    this.pieces.set(id, list);
    this.touch(id);
  }

  /** Wakes up everybody who waits for a job. */
  touch(id: string): void {
    for (const wake of this.#waiting.get(id) ?? []) wake();
  }

  /** Whether a client waits for a job. */
  isWatched(id: string): boolean {
    return (this.#waiting.get(id)?.size ?? 0) > 0;
  }

  async submit(
    submission: Submission & { readonly id: string },
    { maxQueued = Infinity }: SubmitCondition = {},
  ): Promise<SubmitReply> {
    await this.onSubmit(submission);
    if (this.jobs.has(submission.id)) return { type: "EXISTS" as const };
    const waiting = [...this.jobs.values()].filter(({ fields }) => fields.status === "dispatched").length;
    if (waiting >= maxQueued) return { type: "FULL" as const, waiting };
    this.submitted.push(submission);
    const { id, payload, runner, executor } = submission;
    this.put(id, { payload, runner, executor, status: "dispatched" }, {
      ...conditionsOf(submission),
      ...metaOf(submission),
    });
    return { type: "OK" as const };
  }

  cancel(id: string, reason: string, options?: CancelOptions): Promise<CancelReply> {
    this.cancelled.push([id, reason]);
    this.cancelOptions.push(options);
    const status = this.jobs.get(id)?.fields.status;
    if (status === undefined) return Promise.resolve({ type: "MISSING" as const });
    if (isFinal(status)) return Promise.resolve({ type: "FINAL" as const });
    return Promise.resolve({ type: status === "started" ? "REQUESTED" as const : "CANCELLED" as const });
  }

  retry(id: string): Promise<RetryReply> {
    const job = this.jobs.get(id);
    if (!job) return Promise.resolve({ type: "MISSING" });
    const status = job.fields.status ?? "dispatched";
    if (!isFinal(status)) return Promise.resolve({ type: "ALIVE", status });
    if (!job.fields.runner) return Promise.resolve({ type: "NOWHERE" });
    const waits: string[] = [];
    for (const { id: after } of dependenciesOf(job.meta)) {
      const parent = this.jobs.get(after)?.fields.status;
      if (parent === undefined || parent === "error") {
        return Promise.resolve({ type: "NEVER", after, failed: parent === "error" });
      }
      if (parent !== "finished") waits.push(after);
    }
    this.change(id, { status: "dispatched", result: "", error: "" });
    return Promise.resolve(waits.length === 0 ? { type: "OK" } : { type: "WAITS", after: waits });
  }

  dependents(id: string, which: "waiting" | "skipped"): Promise<Dependents> {
    const ids = [...this.jobs.values()].filter(({ meta }) =>
      dependenciesOf(meta).some((one) => one.id === id && !one.met) && (meta.skipped === "1") === (which === "skipped")
    ).map((job) => job.id);
    return Promise.resolve({ total: ids.length, ids, next: null });
  }

  request(job: StoredJob, request: JobRequest): Promise<RequestReply> {
    this.asked.push([job.id, request]);
    return Promise.resolve(this.answer);
  }

  pause(runner: string, paused: boolean): Promise<void> {
    this.queueList = this.queueList.map((queue) => queue.runner === runner ? { ...queue, paused } : queue);
    return Promise.resolve();
  }

  purge({ state, runner, endedBeforeMs, countOnly }: PurgeQuery, ids: readonly string[]) {
    return Promise.resolve(ids.map((id): PurgeReply => {
      const job = this.jobs.get(id);
      if (!job) return "missing";
      const { fields, meta } = job;
      const fits = isFinal(fields.status ?? "") && (state ?? fields.status) === fields.status &&
        (runner ?? meta.runner ?? fields.runner) === (meta.runner ?? fields.runner) &&
        Number(meta.ended_ms ?? 0) < endedBeforeMs;
      if (!fits) return "other";
      if (meta.token !== undefined && meta.token !== meta.done) return "running";
      if ([...this.jobs.values()].some(({ meta }) => `after:${id}` in meta)) return "awaited";
      if (!countOnly) this.jobs.delete(id);
      return "deleted";
    }));
  }

  async read(id: string) {
    const error = this.readErrors.shift();
    if (error) throw error;
    this.mostReads = Math.max(this.mostReads, ++this.#reads);
    await Promise.resolve();
    this.#reads--;
    return this.jobs.get(id) ?? null;
  }

  async summaries(ids: readonly string[]) {
    await Promise.resolve();
    const jobs = ids.map((id) => this.jobs.get(id) ?? null);
    return jobs.map((job) => job && { ...job, fields: { ...job.fields, result: undefined, env_vars: undefined } });
  }

  endings(ids: readonly string[]) {
    const jobs = ids.map((id) => this.jobs.get(id));
    return Promise.resolve(jobs.map((job) => job?.fields.status === "error" ? job.fields.result ?? "" : ""));
  }

  running(_runner: string, instance: string) {
    const ids = [...this.jobs.values()].filter(({ fields, meta }) =>
      fields.status === "started" && meta.instance === instance
    );
    return Promise.resolve(ids.map(({ id }) => id));
  }

  /** Adds an event, and notifies those who follow. */
  happen(event: Partial<StoredEvent>): void {
    const cursor = `${this.nowMs}-${this.events.length}`;
    const rest = { event: "start", id: "j", runner: null, instance: null, attempt: null, state: "started" };
    this.events.push({ cursor, ms: this.nowMs, ...rest, ...event });
    for (const wake of this.#waiting.get("") ?? []) wake();
  }

  newestEvents(count: number) {
    return Promise.resolve(count === 0 ? [] : this.events.slice(-count));
  }

  async eventsAfter(cursor: string, waitMs: number) {
    const error = this.eventErrors.shift();
    if (error) throw error;
    const later = () => this.events.slice(this.events.findIndex((event) => event.cursor === cursor) + 1);
    if (later().length === 0 && !this.closed) {
      const waiting = this.#waiting.get("") ?? new Set();
      this.#waiting.set("", waiting);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, waitMs);
        const wake = () => {
          clearTimeout(timer);
          waiting.delete(wake);
          resolve();
        };
        waiting.add(wake);
      });
    }
    return later();
  }

  newest(count: number, offset = 0) {
    return Promise.resolve(this.#index().reverse().slice(offset, offset + count));
  }

  /** Ids in the index: all but those that only a queue holds. */
  #index(): string[] {
    const foreign = new Set(this.unindexed);
    return [...this.jobs.keys()].filter((id) => !foreign.has(id));
  }

  indexSize() {
    return Promise.resolve(this.#index().length);
  }

  /** Two ids a page. */
  async *indexed() {
    const ids = this.#index();
    for (let at = 0; at < ids.length; at += 2) yield await Promise.resolve(ids.slice(at, at + 2));
  }

  async *waiting() {
    yield* await Promise.resolve(this.queued);
  }

  withPrefix(prefix: string, limit: number) {
    return Promise.resolve([...this.jobs.keys()].filter((id) => id.startsWith(prefix)).slice(0, limit));
  }

  place() {
    return Promise.resolve(this.placement);
  }

  instances() {
    return Promise.resolve(this.instanceList);
  }

  queues() {
    return Promise.resolve(this.queueList);
  }

  deadLetters(limit: number) {
    return Promise.resolve(this.deadLetterList.slice(0, limit));
  }

  output(id: string, cursor: string) {
    return Promise.resolve((this.pieces.get(id) ?? []).slice(Number(cursor)));
  }

  async *changes(id: string, _everyMs: number, signal: AbortSignal) {
    const waiting = this.#waiting.get(id) ?? new Set();
    this.#waiting.set(id, waiting);
    let wake = () => {};
    let woken = true;
    const listener = () => {
      woken = true;
      wake();
    };
    waiting.add(listener);
    signal.addEventListener("abort", listener);
    try {
      while (!signal.aborted) {
        if (!woken) await new Promise<void>((resolve) => wake = resolve);
        woken = false;
        yield;
      }
    } finally {
      waiting.delete(listener);
      signal.removeEventListener("abort", listener);
    }
  }

  time() {
    return Promise.resolve(this.nowMs);
  }

  close() {
    this.closed = true;
    for (const wake of this.#waiting.get("") ?? []) wake();
  }
}

/** An instance that lives; `more` changes it. */
export function anInstance(more: Partial<StoredInstance> = {}): StoredInstance {
  return {
    runner: "test_runner",
    instance: "inst-1",
    host: "alpha",
    bootId: "boot",
    pid: 4711,
    version: "0.1.0",
    slots: 4,
    access: { kind: "tmux", socket: "runner-test_runner" },
    state: "up",
    silentMs: 2_000,
    alive: true,
    running: 1,
    ...more,
  };
}
