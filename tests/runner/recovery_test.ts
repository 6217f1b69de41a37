import { assert, assertEquals } from "../support/assert.ts";
import { until } from "../support/until.ts";
import { systemClock } from "../../src/system/clock.ts";
import type { FinishRequest } from "../../src/ports/queue.ts";
import { UnavailableError } from "../../src/domain/errors.ts";
import { TRUNCATED_LINE } from "../../src/domain/output.ts";
import { fakeRunner } from "./fakes.ts";

const TOLD = { state: "error", error: "timed out", exitCode: 124, outputBytes: 0, ms: 5, result: "" } as const;

const end = { state: "finished", error: "", exitCode: 0, outputBytes: 0, ms: 1 } as const;

/** Redis is another one than these records of the spool were told to. */
function redisForgot(runner: ReturnType<typeof fakeRunner>, records: readonly unknown[]): void {
  Object.assign(runner.journal, { server: "before", syncedWith: () => {}, records: () => records });
  Object.assign(runner.executor, { recover: () => Promise.resolve(new Map()), sample: () => Promise.resolve(null) });
  Object.assign(runner.queue, {
    serverId: () => Promise.resolve("after"),
    owned: () => Promise.resolve([]),
    leases: () => Promise.resolve([]),
  });
}

Deno.test("a runner that tells many ends again heartbeats meanwhile", async () => {
  await using runner = fakeRunner({ heartbeatMs: 1000 }); // 10 ms of real time
  let heartbeats = 0;
  const records = Array.from({ length: 20 }, (_, i) => {
    const attempt = {
      name: `r${i}`,
      id: `${i}`,
      token: "1.a",
      number: 1,
      startedMs: 1,
      seq: i + 1,
      bootId: "",
      timeoutMs: null,
    };
    // other programs can have written what is no number
    const meta: Record<string, string> = i === 0 ? { keep: "soon" } : {};
    return { attempt: { ...attempt, job: { executor: "fake.s", payload: "true" }, meta }, end };
  });
  redisForgot(runner, records);
  Object.assign(runner.queue, {
    heartbeat: () => Promise.resolve({ type: "OK", heartbeats: heartbeats++ }),
    restore: (_: unknown, end: FinishRequest) => systemClock.sleep(5).then(() => runner.queue.finish(end)),
  });
  const isHeld = () => runner.gate.has("restoring");
  await runner.recovery.recover({ seq: 0, mixed: false, stale: false });
  assertEquals(runner.queue.finished.length, records.length);
  assert(runner.queue.finished.every(({ keep }) => keep >= 0), "each is kept for a time");
  assert(heartbeats >= 5, `${heartbeats} heartbeats`);
  await until("it claims again", () => !isHeld());
});

Deno.test("an end that is told again says that its output was cut, also when nothing of it was there", async () => {
  await using runner = fakeRunner();
  const ends = [end, { ...end, truncated: true }, { ...end, outputBytes: 5 }];
  const records = ends.map((end, i) => ({
    attempt: {
      ...{ name: `r${i}`, id: `${i}`, token: "1.a", number: 1, startedMs: 1, seq: i + 1, bootId: "", timeoutMs: null },
      job: { executor: "fake.s", payload: "true" },
      meta: {},
    },
    end,
  }));
  redisForgot(runner, records);
  Object.assign(runner.queue, {
    restore: (_: unknown, end: FinishRequest) => runner.queue.finish(end),
  });
  const isHeld = () => runner.gate.has("restoring");
  await runner.recovery.recover({ seq: 0, mixed: false, stale: false });
  assertEquals(runner.queue.finished.map(({ result, truncated = false }) => [result, truncated]), [
    ["", false],
    [TRUNCATED_LINE, true],
    [TRUNCATED_LINE, true],
  ]);
  await until("it claims again", () => !isHeld());
});

Deno.test("a job that waits to be tried again and that Redis refuses stays to be brought back, and no job is taken meanwhile", async () => {
  await using runner = fakeRunner({ heartbeatMs: 1000 }); // 10 ms of real time
  const attempt = { name: "r", id: "a", token: "1.a", number: 1, startedMs: 1, seq: 1, bootId: "", timeoutMs: null };
  const record = {
    attempt: { ...attempt, job: { executor: "fake.s", payload: "true" }, meta: {} },
    end: { ...end, state: "error", retry: true },
  };
  redisForgot(runner, [record]);
  let refusals = 0;
  Object.assign(runner.queue, {
    heartbeat: () => Promise.resolve({ type: "OK" }),
    restore: (_: unknown, end: FinishRequest) =>
      refusals++ === 0 ? Promise.reject(new UnavailableError("not now")) : runner.queue.finish(end),
  });
  const isHeld = () => runner.gate.has("restoring");
  await runner.recovery.recover({ seq: 0, mixed: false, stale: false });
  await until("Redis has refused it", () => refusals === 1 && runner.recovery.isUnfinished);
  assertEquals([runner.queue.finished.length, isHeld()], [0, true]);
  await runner.recovery.dataLost();
  await until("it claims again", () => !isHeld());
  assertEquals(runner.queue.finished.map(({ id }) => id), ["a"]);
});

Deno.test("a loss of data while jobs that wait to be tried again are brought back makes it begin anew", async () => {
  await using runner = fakeRunner({ heartbeatMs: 1000 }); // 10 ms of real time
  const records = ["a", "b"].map((id, i) => ({
    attempt: {
      ...{ name: `r${id}`, id, token: "1.a", number: 1, startedMs: 1, seq: i + 1, bootId: "", timeoutMs: null },
      job: { executor: "fake.s", payload: "true" },
      meta: {},
    },
    end: { ...end, state: "error", retry: true },
  }));
  redisForgot(runner, records);
  let [lost, whole] = [Promise.resolve(), 0];
  const order: string[] = [];
  Object.assign(runner.queue, {
    heartbeat: () => Promise.resolve({ type: "OK" }),
    seal: () => Promise.resolve(void whole++),
    restore: (_: unknown, end: FinishRequest) => {
      order.push(end.id);
      if (order.length === 1) lost = runner.recovery.dataLost();
      return runner.queue.finish(end);
    },
  });
  const isHeld = () => runner.gate.has("restoring");
  await runner.recovery.recover({ seq: 0, mixed: false, stale: false });
  await until("data is lost once more", () => order.length > 0);
  await lost;
  await until("it claims again", () => !isHeld() && whole > 0);
  assertEquals([order, whole], [["a", "a", "b"], 1]);
});

/**
 * Lets a Redis, which went back behind all jobs, lose everything after so many of the runner's commands. Returns what
 * is there of jobs and rounds.
 */
function redisLoses(runner: ReturnType<typeof fakeRunner>, lossAfter: number) {
  const there = { jobs: new Set<string>(), rounds: 0, commands: 0 };
  let [isOwner, seq] = [true, 1];
  const run = async <T>(step: () => T): Promise<T> => {
    await Promise.resolve();
    try {
      return step();
    } finally {
      if (++there.commands === lossAfter) {
        [isOwner, seq] = [false, 0];
        there.jobs.clear();
      }
    }
  };
  const add = (id: string) => {
    if (!isOwner) throw new UnavailableError("this process does not own the instance");
    there.jobs.add(id);
  };
  const register = (restored = false) => {
    if (restored && !isOwner) throw new UnavailableError("Redis lost data");
    const reply = { type: "OK", seq, mixed: false, stale: false };
    isOwner = true;
    if (restored) seq = 2;
    else there.rounds++;
    return reply;
  };
  const heartbeat = (attempts: readonly { id: string }[]) => {
    if (!isOwner) return { type: "LOST" };
    if (seq < 2) runner.queue.doubts++; // also for those that are sent while everything is brought back
    const unknown = attempts.map(({ id }) => id).filter((id) => !there.jobs.has(id));
    return { type: "OK", fenced: [], unknown, cancel: [], extra: false, claims: 0, paused: false, dueInMs: null };
  };
  Object.assign(runner.queue, {
    serverId: () => run(() => "after"),
    register: (_: unknown, { restored }: { restored?: boolean } = {}) => run(() => register(restored)),
    heartbeat: (attempts: readonly { id: string }[]) => run(() => heartbeat(attempts)),
    reassert: ({ id }: { id: string }) => run(() => add(id)).then(() => "OK"),
    restore: ({ id }: { id: string }) => run(() => add(id)).then(() => ({ type: "OK", waiters: [] })),
    claimed: () => run(() => []),
  });
  return there;
}

Deno.test("whenever data is lost once more while it is brought back, all of it is brought back again, and then no more", async () => {
  for (let [lossAfter, isLast] = [1, false]; !isLast; lossAfter++) {
    await using runner = fakeRunner({ heartbeatMs: 1000 }); // 10 ms of real time
    const job = { executor: "fake.s", payload: "true" };
    runner.queue.push("runs", job);
    runner.claimer.start();
    await until("it is launched", () => runner.executor.launched.length === 1);
    const attempt = {
      name: "r",
      id: "ended",
      token: "1.a",
      number: 1,
      startedMs: 1,
      seq: 2,
      bootId: "",
      timeoutMs: null,
    };
    redisForgot(runner, [{ attempt: { ...attempt, job, meta: {} }, end }]);
    const there = redisLoses(runner, lossAfter);
    const round = async () => {
      await runner.recovery.tick();
      await runner.heartbeat.tick().catch((error) => assert(error instanceof UnavailableError, String(error)));
    };
    await runner.recovery.tick();
    isLast = there.commands < lossAfter; // this one lost nothing
    for (let i = 0; i < 3; i++) await round();
    assertEquals([...there.jobs].sort(), ["ended", "runs"], `lost after ${lossAfter} commands`);
    const { rounds } = there;
    for (let i = 0; i < 3; i++) await round();
    assertEquals([there.rounds, runner.recovery.isUnfinished], [rounds, false], `${lossAfter} commands`);
    await until("it claims again", () => !runner.gate.has("restoring"));
    assert(rounds <= 2, `${rounds} rounds after ${lossAfter} commands`);
  }
});

Deno.test("an end that an earlier process told is put on record as Redis has it", async () => {
  await using runner = fakeRunner();
  Object.assign(runner.queue, {
    endOf: () => Promise.resolve(TOLD),
    reassert: () => Promise.resolve("DONE"),
  });
  const job = { executor: "fake.s", payload: "true" };
  // a run of which this process knows nothing better
  const [asked, refused] = ["a", "b"].map((id) => ({
    ...{ type: "HELD", token: "1.abcdef012345", attempt: 1, seq: 1, job, meta: {} } as const,
    id,
  }));
  runner.queue.finishAnswers.push("ALREADY");
  runner.launcher.refuse("b", refused, { kind: "lost", why: "it may have run" });
  await until("it is on record", () => runner.journal.settled.length === 1);
  // a run that Redis is asked about
  runner.launcher.accept("a", asked);
  await until("it is launched", () => runner.executor.launched.length === 1);
  await runner.recovery.reassert(runner.attempts.all());
  assertEquals(runner.journal.settled.map(([, end]) => end), [TOLD, TOLD]);
});

Deno.test("a run that ends while Redis is asked about it keeps its end", async () => {
  await using runner = fakeRunner();
  runner.queue.push("a", { executor: "fake.s", payload: "true" });
  runner.claimer.start();
  await until("it is launched", () => runner.executor.launched.length === 1);
  const answered = Promise.withResolvers<"DONE">();
  Object.assign(runner.queue, { reassert: () => answered.promise });
  const asking = runner.recovery.reassert(runner.attempts.all());
  runner.executor.end("a", { code: 3 });
  await until("it is on record", () => runner.journal.settled.length === 1);
  answered.resolve("DONE");
  await asking;
  assertEquals(runner.journal.settled.length, 1);
  assert(runner.journal.settled[0][1] !== "gone");
  assertEquals(runner.executor.stopped, []);
});
