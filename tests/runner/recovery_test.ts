import { assert, assertEquals } from "../support/assert.ts";
import { until } from "../support/until.ts";
import type { AttemptJournal, JournalRecord, SettledEnd } from "../../src/ports/attempt_journal.ts";
import { TRUNCATED_LINE } from "../../src/domain/output.ts";
import { UnavailableError } from "../../src/domain/errors.ts";
import type { Queue } from "../../src/ports/queue.ts";
import { type FakeOptions, type FakeQueue, fakeRunner } from "./fakes.ts";
import { unavailable } from "../support/unavailable.ts";

const REPORTED = { state: "error", error: "timed out", exitCode: 124, outputBytes: 0, ms: 5, result: "" } as const;

const end: SettledEnd = { state: "finished", error: "", exitCode: 0, outputBytes: 0, ms: 1 };

/** The record of a job's first attempt, the one with this sequence number. */
function recordOf(id: string, seq: number, { end, meta = {} }: { end: SettledEnd; meta?: Record<string, string> }) {
  const attempt = { name: `r${id}`, id, token: "1.a", number: 1, startedMs: 1, seq, bootId: "", timeoutMs: null };
  return { attempt: { ...attempt, job: { executor: "fake.s", payload: "true" }, meta }, end };
}

/** The journal of a runner whose Redis was replaced by an empty one. */
function journalOf(records: readonly JournalRecord[]): Partial<AttemptJournal> {
  return { server: "another", records: () => records };
}

const NOTHING_LOST = { seq: 0, mixed: false, stale: false, limitsHeldMs: 0 };

Deno.test("Recovery sends heartbeats while it reports many ends again", async () => {
  let now = 0;
  const records = Array.from({ length: 20 }, (_, i) =>
    // other programs can have written what is no number
    recordOf(`${i}`, i + 1, { end, meta: i === 0 ? { keep: "soon" } : {} }));
  const options: FakeOptions = {
    journal: journalOf(records),
    clock: { now: () => now },
    // each end costs half the pause between two heartbeats
    queue: ({ restore }) => ({ restore: (...args) => (now += 500, restore(...args)) }),
  };
  await using runner = fakeRunner({ heartbeatMs: 1000 }, options);
  await runner.recovery.recover(NOTHING_LOST);
  assertEquals(runner.queue.finished.length, records.length);
  assert(runner.queue.finished.every(({ keep }) => keep >= 0), "each is kept for a time");
  assertEquals(runner.queue.heartbeats, records.length / 2);
  await until("it claims again", () => !runner.gate.has("restoring"));
});

Deno.test("Recovery says that an output was cut when it reports its end again, also when no file has any of it", async () => {
  const ends = [end, { ...end, truncated: true }, { ...end, outputBytes: 5 }];
  const records = ends.map((end, i) => recordOf(`${i}`, i + 1, { end }));
  await using runner = fakeRunner({}, { journal: journalOf(records) });
  await runner.recovery.recover(NOTHING_LOST);
  assertEquals(runner.queue.finished.map(({ result, truncated = false }) => [result, truncated]), [
    ["", false],
    [TRUNCATED_LINE, true],
    [TRUNCATED_LINE, true],
  ]);
  await until("it claims again", () => !runner.gate.has("restoring"));
});

Deno.test("Recovery keeps an end that is to be tried again, and claims nothing, when Redis refuses it", async () => {
  const record = recordOf("a", 1, { end: { ...end, state: "error", retry: true } });
  await using runner = fakeRunner({}, { journal: journalOf([record]) });
  runner.queue.failures.push({ method: "restore", error: unavailable("not now") });
  await runner.recovery.recover(NOTHING_LOST);
  await until("Redis has refused it", () => runner.queue.failures.length === 0 && runner.recovery.isUnfinished);
  assertEquals([runner.queue.finished.length, runner.gate.has("restoring")], [0, true]);
  await runner.recovery.dataLost();
  await until("it claims again", () => !runner.gate.has("restoring"));
  assertEquals(runner.queue.finished.map(({ id }) => id), ["a"]);
});

Deno.test("Recovery begins anew when Redis loses data while it reports ends that are to be tried again", async () => {
  const records = ["a", "b"].map((id, i) => recordOf(id, i + 1, { end: { ...end, state: "error", retry: true } }));
  let [lost, complete] = [Promise.resolve(), 0];
  const order: string[] = [];
  const options: FakeOptions = {
    journal: journalOf(records),
    queue: ({ restore }) => ({
      seal: () => Promise.resolve(void complete++),
      restore: (request, end) => {
        order.push(end.id);
        if (order.length === 1) lost = runner.recovery.dataLost();
        return restore(request, end);
      },
    }),
  };
  await using runner = fakeRunner({}, options);
  await runner.recovery.recover(NOTHING_LOST);
  await until("data is lost once more", () => order.length > 0);
  await lost;
  await until("it claims again", () => !runner.gate.has("restoring") && complete > 0);
  assertEquals([order, complete], [["a", "a", "b"], 1]);
});

/**
 * A Redis that goes back behind all jobs when `begin` is called, and loses everything once more after so many of the
 * runner's commands.
 */
class LossyRedis {
  readonly jobs = new Set<string>();
  rounds = 0;
  commands = 0;
  isBegun = false;
  #isOwner = false;
  #seq = 1;
  readonly #lossAfter: number;

  constructor(lossAfter: number) {
    this.#lossAfter = lossAfter;
  }

  begin(): void {
    this.isBegun = this.#isOwner = true;
  }

  /** What differs from the ordinary fake from then on. */
  overrides = (own: FakeQueue): Partial<Queue> => {
    const { serverId, register, heartbeat, reassert, restore, claimed } = own;
    // deno-lint-ignore no-explicit-any
    const from = (ordinary: (...args: any[]) => any, step: (...args: any[]) => unknown) => (...args: any[]) =>
      this.isBegun ? this.#run(() => step(...args)) : ordinary(...args);
    return {
      serverId: from(serverId, () => "after"),
      register: from(register, (_, { restored = false } = {}) => this.#register(restored)),
      heartbeat: from(heartbeat, (attempts) => this.#heartbeat(attempts, own)),
      reassert: from(reassert, ({ id }) => (this.#add(id), "OK")),
      restore: from(restore, ({ id }) => (this.#add(id), { type: "OK", open: [] })),
      claimed: from(claimed, () => []),
    };
  };

  async #run<T>(step: () => T): Promise<T> {
    await Promise.resolve();
    try {
      return step();
    } finally {
      if (++this.commands === this.#lossAfter) {
        [this.#isOwner, this.#seq] = [false, 0];
        this.jobs.clear();
      }
    }
  }

  #add(id: string): void {
    if (!this.#isOwner) throw unavailable("this process does not own the instance");
    this.jobs.add(id);
  }

  #register(restored: boolean) {
    if (restored && !this.#isOwner) throw unavailable("Redis lost data");
    const reply = { type: "OK", seq: this.#seq, mixed: false, stale: false, limitsHeldMs: 0 };
    this.#isOwner = true;
    if (restored) this.#seq = 2;
    else this.rounds++;
    return reply;
  }

  #heartbeat(attempts: readonly { readonly id: string }[], own: FakeQueue) {
    if (!this.#isOwner) return { type: "LOST" };
    if (this.#seq < 2) own.doubts++; // also for those that are sent while everything is brought back
    const unknown = attempts.map(({ id }) => id).filter((id) => !this.jobs.has(id));
    const orders = { fenced: [], unknown, cancel: [], extra: false, claims: 0, paused: false, dueInMs: null };
    return { type: "OK", ...orders, schedules: { mark: "", dueInMs: null } };
  }
}

Deno.test("Recovery brings everything back again when data is lost while it does so, and then ends", async () => {
  for (let [lossAfter, isLast] = [1, false]; !isLast; lossAfter++) {
    const redis = new LossyRedis(lossAfter);
    const records = [recordOf("ended", 2, { end })];
    await using runner = fakeRunner({ heartbeatMs: 1000 }, { // 10 ms of real time
      queue: redis.overrides,
      journal: { server: "another", records: () => redis.isBegun ? records : [] },
    });
    runner.queue.push("runs", { executor: "fake.s", payload: "true" });
    runner.claimer.start();
    await until("it is launched", () => runner.executor.launched.length === 1);
    redis.begin();
    const round = async () => {
      await runner.recovery.tick();
      await runner.heartbeat.tick().catch((error) => assert(error instanceof UnavailableError, String(error)));
    };
    await runner.recovery.tick();
    isLast = redis.commands < lossAfter; // this one lost nothing
    for (let i = 0; i < 3; i++) await round();
    assertEquals([...redis.jobs].sort(), ["ended", "runs"], `lost after ${lossAfter} commands`);
    const { rounds } = redis;
    for (let i = 0; i < 3; i++) await round();
    assertEquals([redis.rounds, runner.recovery.isUnfinished], [rounds, false], `${lossAfter} commands`);
    await until("it claims again", () => !runner.gate.has("restoring"));
    assert(rounds <= 2, `${rounds} rounds after ${lossAfter} commands`);
  }
});

Deno.test("Recovery notes an end that an earlier process reported as Redis has it", async () => {
  const queue = () => ({ endOf: () => Promise.resolve(REPORTED), reassert: () => Promise.resolve("DONE" as const) });
  await using runner = fakeRunner({}, { queue });
  const job = { executor: "fake.s", payload: "true" };
  // an attempt of which this process has no record
  const [asked, refused] = ["a", "b"].map((id) => ({
    ...{ type: "HELD", token: "1.abcdef012345", attempt: 1, seq: 1, job, meta: {} } as const,
    id,
  }));
  runner.queue.finishReplies.push("ALREADY");
  runner.launcher.refuse("b", refused, { kind: "lost", why: "it may have run" });
  await until("it is on record", () => runner.journal.settled.length === 1);
  // an attempt that Redis is asked about
  runner.launcher.accept("a", asked);
  await until("it is launched", () => runner.executor.launched.length === 1);
  await runner.recovery.reassert(runner.attempts.all());
  assertEquals(runner.journal.settled.map(([, end]) => end), [REPORTED, REPORTED]);
});

Deno.test("Recovery leaves the end of an attempt that ends while Redis is asked about it", async () => {
  const replied = Promise.withResolvers<"DONE">();
  await using runner = fakeRunner({}, { queue: () => ({ reassert: () => replied.promise }) });
  runner.queue.push("a", { executor: "fake.s", payload: "true" });
  runner.claimer.start();
  await until("it is launched", () => runner.executor.launched.length === 1);
  const asking = runner.recovery.reassert(runner.attempts.all());
  runner.executor.end("a", { code: 3 });
  await until("it is on record", () => runner.journal.settled.length === 1);
  replied.resolve("DONE");
  await asking;
  assertEquals(runner.journal.settled.length, 1);
  assert(runner.journal.settled[0][1] !== "gone");
  assertEquals(runner.executor.stopped, []);
});
