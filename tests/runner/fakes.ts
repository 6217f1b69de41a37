import type { JobFields } from "../../src/domain/job.ts";
import { NO_OUTPUT } from "../../src/domain/output.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { AttemptEnd, Executor, FoundAttempt, Hook, Launch } from "../../src/ports/executor.ts";
import type { Log } from "../../src/ports/log.ts";
import type {
  Claimed,
  FinishReply,
  FinishRequest,
  HeartbeatReply,
  Queue,
  RawId,
  ReassertReply,
  ReassertRequest,
  StartReply,
} from "../../src/ports/queue.ts";
import type { Attempt, AttemptJournal, JournalRecord, SettledEnd } from "../../src/ports/attempt_journal.ts";
import type { RunnerParts, RunnerSettings } from "../../src/runner/parts.ts";
import { makeRooms } from "../../src/runner/rooms.ts";
import { Attempts } from "../../src/runner/attempts.ts";
import { systemCalendar } from "../../src/system/calendar.ts";
import { systemClock } from "../../src/system/clock.ts";
import { digestOf } from "../../src/system/digest.ts";

export const raw = (id: string): RawId => new TextEncoder().encode(id);
const text = (id: RawId) => new TextDecoder().decode(id);

/** A queue in memory: jobs by id, ids in order, and what became of them. */
export class FakeQueue {
  readonly jobs = new Map<string, JobFields>();
  readonly claims: RawId[] = [];
  readonly finished: FinishRequest[] = [];
  readonly reasserted: ReassertRequest[] = [];
  readonly deadLetterIds: [string, string][] = [];
  readonly started: string[] = [];
  /** Ids that `start` was called for. */
  readonly asked: string[] = [];
  readonly peeked: string[] = [];
  /** Ids that were started in the step that claimed them. */
  readonly together: string[] = [];
  readonly promoted: string[] = [];
  /** Replies of `start` that go before the ordinary one. */
  readonly startReplies = new Map<string, StartReply[]>();
  readonly settled: string[] = [];
  /** Errors that the next calls of a method throw. */
  readonly failures: { method: string; error: Error }[] = [];
  /** Replies of `finish` that go before `OK`. */
  readonly finishReplies: ("MISSING" | "RETRY" | "FENCED" | "ALREADY")[] = [];
  readonly #ids: RawId[] = [];
  heartbeats = 0;
  reported = 0;
  doubts = 0;
  #waiter: ((id: RawId | null) => void) | null = null;

  /** @param overrides Makes the methods that differ, from those of this queue. */
  constructor(overrides: (own: FakeQueue) => Partial<Queue> = () => ({})) {
    Object.assign(this, overrides(this));
  }

  push(id: string, fields: JobFields): void {
    this.jobs.set(id, fields);
    this.#ids.push(raw(id));
    if (this.#waiter) {
      const waiter = this.#waiter;
      this.#waiter = null;
      waiter(this.#next(1)[0]);
    }
  }

  /** Whether a caller waits for an id. */
  get waits(): boolean {
    return this.#waiter !== null;
  }

  #next(limit: number): RawId[] {
    const ids = this.#ids.splice(0, limit);
    this.claims.push(...ids);
    return ids;
  }

  #fail(method: string): void {
    const index = this.failures.findIndex((failure) => failure.method === method);
    if (index >= 0) throw this.failures.splice(index, 1)[0].error;
  }

  #unclaim(id: string): void {
    const index = this.claims.findIndex((claim) => text(claim) === id);
    if (index >= 0) this.claims.splice(index, 1);
  }

  claim = async (
    limit: number,
    executors: Iterable<string> = [],
    waited = "",
  ): Promise<readonly Claimed[] | "FENCED"> => {
    this.#fail("claim");
    const known = new Set(executors);
    const claimed: Claimed[] = [];
    for (const id of [...(waited ? [raw(waited)] : []), ...this.#next(limit)]) {
      const starts = known.has(this.jobs.get(text(id))?.executor ?? "");
      if (starts) this.together.push(text(id));
      claimed.push({ raw: id, reply: starts ? await this.start(text(id)) : null });
    }
    return claimed;
  };
  wait = (): Promise<RawId | null> => {
    const [id] = this.#next(1);
    return id ? Promise.resolve(id) : new Promise((resolve) => this.#waiter = resolve);
  };
  stopWaiting = (): void => this.#waiter?.(null);
  register = () => Promise.resolve({ type: "OK", seq: 0, mixed: false, stale: false, limitsHeldMs: 0 } as const);
  limits = { unpark: () => Promise.resolve(0) };
  serverId = () => Promise.resolve("");
  heartbeat = (): Promise<HeartbeatReply> => {
    this.heartbeats++;
    const orders = { fenced: [], unknown: [], cancel: [], extra: false, paused: false, overdue: false, dueInMs: null };
    const schedules = { mark: "", dueInMs: null };
    return Promise.resolve({ type: "OK", claims: this.claims.length, ...orders, schedules });
  };
  owned = () => Promise.resolve([]);
  leases = () => Promise.resolve([]);
  claimed = (): Promise<RawId[]> => Promise.resolve([...this.claims]);
  trust = (): void => {};
  ageOf = (_ms: number): number => 0;
  seal = (): Promise<void> => Promise.resolve();
  back = (instances: readonly string[]) => Promise.resolve(instances);
  recall = (seq: number): void => void (this.reported = Math.max(this.reported, seq));
  peek = (id: string): Promise<string | null> => {
    this.peeked.push(id);
    return Promise.resolve(this.jobs.get(id)?.executor ?? null);
  };
  start = (id: string): Promise<StartReply> => {
    this.#fail("start");
    this.asked.push(id);
    const reply = this.startReplies.get(id)?.shift();
    if (reply) return Promise.resolve(reply);
    this.#unclaim(id);
    this.started.push(id);
    return Promise.resolve({
      type: "OK",
      token: "1.abcdef012345",
      attempt: 1,
      seq: 1,
      job: this.jobs.get(id)!,
      meta: {},
    });
  };
  convert = (id: string, _raw: string, fields: JobFields) => {
    this.jobs.set(id, fields);
    return Promise.resolve("OK" as const);
  };
  finish = (request: FinishRequest): Promise<FinishReply> => {
    this.#fail("finish");
    const type = this.finishReplies.shift() ?? "OK";
    if (type === "OK") this.finished.push(request);
    return Promise.resolve({ type, open: type === "OK" ? ["j"] : [] });
  };
  reassert = (request: ReassertRequest): Promise<ReassertReply> => {
    this.reasserted.push(request);
    return Promise.resolve("OK");
  };
  restore = (request: ReassertRequest, end: FinishRequest): Promise<FinishReply> => {
    this.#fail("restore");
    this.reasserted.push(request);
    return this.finish(end);
  };
  endOf = (): Promise<SettledEnd | null> => Promise.resolve(null);
  deadLetter = (id: RawId, reason: string): Promise<boolean> => {
    this.deadLetterIds.push([text(id), reason]);
    this.#unclaim(text(id));
    return Promise.resolve(true);
  };
  settle = (id: string) => {
    this.settled.push(id);
    return Promise.resolve([]);
  };
  unsettled = () => Promise.resolve([]);
  promote = (id: string) => {
    this.promoted.push(id);
    return Promise.resolve("PROMOTED" as const);
  };
}

/**
 * An executor whose runs end when the test says so. Targets are `fake.S` (no serial key) and `fake.S.W` (a serial key).
 */
export class FakeExecutor
  implements Pick<Executor, "kind" | "place" | "recover" | "launch" | "sample" | "forget" | "stop" | "hook"> {
  readonly kind = "fake";
  readonly launched: Launch[] = [];
  readonly forgotten: string[] = [];
  readonly stopped: string[] = [];
  readonly hooks: Hook[] = [];
  readonly #onEnd: (end: AttemptEnd) => void;

  constructor(onEnd: (end: AttemptEnd) => void) {
    this.#onEnd = onEnd;
  }

  recover() {
    return Promise.resolve(new Map<string, FoundAttempt>());
  }
  sample() {
    return Promise.resolve(null);
  }
  place(target: string) {
    const parts = target.split(".");
    return { serialKey: parts.length > 2 ? target : null, session: parts[1] };
  }
  launch(launch: Launch): Promise<void> {
    this.launched.push(launch);
    return Promise.resolve();
  }
  stop(run: string): Promise<void> {
    this.stopped.push(run);
    return Promise.resolve();
  }
  hook(hook: Hook): Promise<number> {
    this.hooks.push(hook);
    return Promise.resolve(0);
  }
  forget(run: string): Promise<void> {
    this.forgotten.push(run);
    return Promise.resolve();
  }

  /** Ends the run of a job. */
  end(id: string, end: Partial<AttemptEnd> = {}): void {
    const { name: run } = this.launched.findLast((launch) => launch.id === id)!;
    this.#onEnd({ name: run, kind: "exited", code: 0, output: NO_OUTPUT, ...end });
  }

  /** Ids in the order in which they were launched. */
  ids(): string[] {
    return this.launched.map((launch) => launch.id);
  }
}

/** A journal in memory. */
export class FakeJournal
  implements Pick<AttemptJournal, "server" | "syncedWith" | "find" | "begin" | "settle" | "records"> {
  readonly begun: Attempt[] = [];
  readonly settled: [string, SettledEnd | "gone"][] = [];
  /** The last Redis server that had all records. */
  server: string | null = null;

  /** @param overrides Methods that differ. */
  constructor(overrides: Partial<AttemptJournal> = {}) {
    Object.assign(this, overrides);
  }

  syncedWith(server: string): void {
    this.server = server;
  }
  records(): readonly JournalRecord[] {
    return [];
  }
  find() {
    return undefined;
  }
  begin(attempt: Attempt): Promise<void> {
    this.begun.push(attempt);
    return Promise.resolve();
  }
  settle(run: string, end: SettledEnd | "gone"): Promise<void> {
    this.settled.push([run, end]);
    return Promise.resolve();
  }
}

/** What differs from the ordinary fakes. */
export interface FakeOptions {
  queue?: ConstructorParameters<typeof FakeQueue>[0];
  journal?: Partial<AttemptJournal>;
  clock?: Partial<Clock>;
  /** Pauses of more milliseconds last an hour. */
  longestSleep?: number;
}

export type FakeRunner = ReturnType<typeof fakeRunner>;

/** The loops of a runner over fakes; pauses are a hundred times shorter than real ones. */
export function fakeRunner(settings: Partial<RunnerSettings> = {}, options: FakeOptions = {}) {
  const { longestSleep = Infinity } = options;
  const queue = new FakeQueue(options.queue);
  const warnings: string[] = [];
  const log: Log = { debug() {}, info() {}, warn: (message) => void warnings.push(message), error() {} };
  const executor: FakeExecutor = new FakeExecutor((end) => finisher.ended(end, executor as unknown as Executor));
  const journal = new FakeJournal(options.journal);
  const clock: Clock = {
    now: () => systemClock.now() * 100,
    random: () => 0.5,
    sleep: (ms, signal) => systemClock.sleep(ms > longestSleep ? 3_600_000 : ms / 100, signal),
    ...options.clock,
  };
  const parts: RunnerParts = {
    queue: queue as unknown as Queue,
    executors: new Map([["fake", executor as unknown as Executor]]),
    journal: journal as unknown as AttemptJournal,
    ownership: { claim: () => Promise.resolve({ proof: [], lineage: [] }), won: () => Promise.resolve() },
    schedules: { load: () => Promise.resolve({ mark: "", records: {} }), save: () => Promise.resolve() },
    openCalendar: () => Promise.resolve(systemCalendar),
    clock,
    log,
    checkpoint: () => {},
    missing: { journal: () => null, lock: () => Promise.resolve(null) },
    digestOf,
    settings: {
      name: "test",
      namespace: "",
      concurrency: 2,
      burst: false,
      killGraceMs: 1000,
      defaultTimeoutMs: null,
      keep: 60,
      lostPolicy: "hold",
      lostAfterMs: 1000,
      jsonJobs: "convert",
      otherRunner: "reroute",
      hooks: [],
      hookLimitMs: 5000,
      heartbeatMs: 1000,
      leaseMs: 6000,
      version: "0",
      host: "here",
      pid: 1,
      ...settings,
    },
  };
  const attempts = new Attempts();
  const failures: unknown[] = [];
  const rooms = makeRooms(parts, {
    attempts,
    info: {
      bootId: "",
      host: "here",
      pid: 1,
      version: "0",
      slots: parts.settings.concurrency,
      access: { kind: "none" },
    },
    stopping: new AbortController().signal,
    fail: (error) => failures.push(error),
  });
  const { claimer, finisher } = rooms;
  return {
    ...rooms,
    queue,
    executor,
    journal,
    attempts,
    failures,
    warnings,
    async [Symbol.asyncDispose]() {
      const stopped = claimer.stop();
      queue.stopWaiting();
      await stopped;
      await finisher.stop(1000);
      await Promise.all(rooms.loops.map((loop) => loop.stop()));
    },
  };
}
