import { assertEquals } from "../support/assert.ts";
import { settle, until } from "../support/until.ts";
import type { Queue } from "../../src/ports/queue.ts";
import { type FakeQueue, type FakeRunner, fakeRunner, raw } from "./fakes.ts";
import { unavailable } from "../support/unavailable.ts";

const job = (executor: string) => ({ executor, payload: "true" });

Deno.test("the claimer starts no more jobs than it has slots", async () => {
  await using runner = fakeRunner({ concurrency: 2 });
  for (const id of ["a", "b", "c", "d"]) runner.queue.push(id, job("fake.s"));
  runner.claimer.start();
  await until("two jobs run", () => runner.executor.launched.length === 2);
  runner.executor.end("a");
  await until("the third runs", () => runner.executor.launched.length === 3);
  assertEquals(runner.executor.ids(), ["a", "b", "c"]);
  assertEquals(runner.queue.started, ["a", "b", "c"]);
});

Deno.test("the claimer runs jobs of one line one after the other, and lets others pass", async () => {
  await using runner = fakeRunner({ concurrency: 3 });
  runner.queue.push("a1", job("fake.s.line"));
  runner.queue.push("a2", job("fake.s.line"));
  runner.queue.push("a3", job("fake.s.line"));
  runner.queue.push("b", job("fake.s"));
  runner.queue.push("c1", job("fake.s.other"));
  runner.claimer.start();
  await until("all that may run runs", () => runner.executor.launched.length === 3);
  assertEquals(runner.executor.ids(), ["a1", "b", "c1"]);
  runner.executor.end("a1");
  await until("the next of the line runs", () => runner.executor.launched.length === 4);
  runner.executor.end("a2");
  await until("the last of the line runs", () => runner.executor.launched.length === 5);
  assertEquals(runner.executor.ids(), ["a1", "b", "c1", "a2", "a3"]);
});

Deno.test("the claimer starts a job that comes alone in one step, and asks for no executor before", async () => {
  await using runner = fakeRunner({ concurrency: 3 });
  runner.claimer.start();
  for (const [i, id] of ["a", "b", "c"].entries()) {
    await until("it waits for a job", () => runner.queue.waits);
    runner.queue.push(id, job("fake.s"));
    await until("it runs", () => runner.executor.launched.length === i + 1);
  }
  assertEquals(runner.queue.peeked, []);
  assertEquals(runner.queue.together, ["b", "c"], "of the first it learned that the executor is free");
});

/** A claimer with an executor that is known to be free, and waits for a job. */
async function waiting(runner: FakeRunner): Promise<void> {
  runner.queue.push("a", job("fake.s"));
  runner.claimer.start();
  await until(
    "it runs and another one is waited for",
    () => runner.executor.launched.length === 1 && runner.queue.waits,
  );
}

Deno.test("a job that came alone is started later when the step fails, or is not for us just now", async () => {
  // that of c is refused
  const queue = ({ claim }: FakeQueue): Partial<Queue> => ({
    claim: (...args) => args[2] === "c" ? Promise.resolve("FENCED") : claim(...args),
  });
  await using runner = fakeRunner({ concurrency: 5 }, { queue });
  await waiting(runner);
  runner.queue.failures.push({ method: "claim", error: new Error("key x is no list") });
  runner.queue.push("b", job("fake.s"));
  await until("it runs", () => runner.executor.launched.length === 2);
  await until("it waits again", () => runner.queue.waits);
  runner.queue.push("c", job("fake.s"));
  await until("it has the job", () => runner.backlog.size === 1);
  runner.gate.open("fenced");
  await until("it runs", () => runner.executor.launched.length === 3);
  assertEquals(runner.queue.started, ["a", "b", "c"]);
});

Deno.test("a job that came alone is started once, also when a reconciliation finds it meanwhile", async () => {
  const [asked, late] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const queue = ({ claim }: FakeQueue): Partial<Queue> => ({
    claim: async (...args) => {
      if (args[2] === "b") {
        asked.resolve();
        await late.promise;
      }
      return await claim(...args);
    },
  });
  await using runner = fakeRunner({ concurrency: 5 }, { queue });
  await waiting(runner);
  runner.queue.push("b", job("fake.s"));
  await asked.promise;
  await runner.backlog.reconcile();
  await settle();
  late.resolve();
  await until("it runs", () => runner.executor.launched.length === 2);
  assertEquals([runner.queue.started, runner.backlog.size], [["a", "b"], 0]);
});

Deno.test("what is claimed after a wait is no more than the limit of the backlog", async () => {
  const limits: number[] = [];
  const queue = ({ claim }: FakeQueue): Partial<Queue> => ({
    claim: (limit, executors, waited) => {
      limits.push(limit + (waited ? 1 : 0));
      return claim(limit, executors, waited);
    },
  });
  await using runner = fakeRunner({ concurrency: 50 }, { queue });
  await waiting(runner);
  for (let i = 0; i < 60; i++) runner.queue.push(`line${i}`, job("fake.s.line"));
  await until("the first of the line runs, the others wait", () => runner.backlog.size === 32);
  assertEquals([runner.executor.ids(), Math.max(...limits)], [["a", "line0"], 32]);
});

Deno.test("a job that came alone is not started when another one took the last slot meanwhile", async () => {
  // the other one comes a little earlier or later each time
  for (let turns = 0; turns < 12; turns++) {
    await using runner = fakeRunner({ concurrency: 2 });
    await waiting(runner);
    const turn = async (count: number) => {
      for (let i = 0; i < count; i++) await Promise.resolve();
    };
    runner.queue.jobs.set("ghost", job("fake.s"));
    runner.queue.claims.push(raw("ghost"));
    const reconciled = runner.backlog.reconcile();
    await turn(turns);
    runner.queue.push("b", job("fake.s"));
    await reconciled;
    await until("one of them runs", () => runner.executor.launched.length >= 2);
    await settle();
    assertEquals(runner.executor.launched.length, 2, `after ${turns} turns`);
  }
});

Deno.test("the claimer claims and starts in one step what waits for nothing, and never more than it has slots", async () => {
  await using runner = fakeRunner({ concurrency: 3 });
  const ids = Array.from({ length: 9 }, (_, i) => `a${i}`);
  for (const id of ids) runner.queue.push(id, job("fake.s"));
  runner.queue.push("b", job("fake.s.line"));
  runner.claimer.start();
  await until("the first three run", () => runner.executor.launched.length === 3);
  assertEquals([runner.queue.peeked, runner.queue.together], [["a0", "a1", "a2"], []]);
  for (const [i, id] of ids.slice(0, 7).entries()) {
    runner.executor.end(id);
    await until("the next runs", () => runner.executor.launched.length === i + 4);
    assertEquals(runner.queue.started.length, i + 4);
  }
  assertEquals(runner.executor.ids(), [...ids, "b"]);
  // it asked first about the executor that was unknown
  assertEquals(runner.queue.together, ids.slice(3));
});

Deno.test("the claimer is not idle while a claim is under way, which may start a job", async () => {
  const asked: PromiseWithResolvers<void>[] = [];
  let isOver = false;
  const queue = ({ claim }: FakeQueue): Partial<Queue> => ({
    claim: async (...args) => {
      const late = Promise.withResolvers<void>();
      if (isOver) late.resolve();
      asked.push(late);
      await late.promise;
      return await claim(...args);
    },
    wait: () => Promise.resolve(null),
  });
  await using runner = fakeRunner({ burst: true }, { queue });
  runner.claimer.start();
  await until("it asks", () => asked.length === 1);
  assertEquals(runner.claimer.idle, null);
  const idle = (async () => {
    while (!runner.claimer.idle) await runner.attempts.change();
  })();
  asked[0].resolve();
  await until("it asks again", () => asked.length === 2);
  assertEquals(runner.claimer.idle, null);
  asked[1].resolve();
  await idle; // it is notified, and not only when something runs
  await until("it asks again", () => asked.length === 3);
  isOver = true;
  for (const late of asked) late.resolve();
});

Deno.test("the claimer launches what was started for it when it stops", async () => {
  const late = Promise.withResolvers<void>();
  const queue = ({ claim, together }: FakeQueue): Partial<Queue> => ({
    claim: async (...args) => {
      const claimed = await claim(...args);
      if (together.includes("c")) await late.promise;
      return claimed;
    },
  });
  await using runner = fakeRunner({ concurrency: 2 }, { queue });
  for (const id of ["a", "b", "c"]) runner.queue.push(id, job("fake.s"));
  runner.claimer.start();
  await until("two run", () => runner.executor.launched.length === 2);
  runner.executor.end("a");
  await until("the third is claimed", () => runner.queue.together.length === 1);
  const stopped = runner.claimer.stop();
  late.resolve();
  await stopped;
  assertEquals(runner.attempts.all().filter((run) => !run.ended).map((run) => run.attempt.id).sort(), ["b", "c"]);
  await until("it runs", () => runner.executor.ids().includes("c"));
});

Deno.test("the claimer starts jobs that it finds together with one of each line", async () => {
  await using runner = fakeRunner({ concurrency: 4 });
  for (const id of ["a1", "a2", "b1", "b2"]) runner.queue.push(id, job(`fake.s.${id[0]}`));
  runner.claimer.start();
  await until("one of each line runs", () => runner.executor.launched.length === 2);
  assertEquals([runner.executor.ids(), runner.backlog.size], [["a1", "b1"], 2]);
  runner.executor.end("b1");
  await until("the next of that line runs", () => runner.executor.launched.length === 3);
  assertEquals(runner.executor.ids(), ["a1", "b1", "b2"]);
});

Deno.test("the claimer claims ahead no further than it may", async () => {
  await using runner = fakeRunner({ concurrency: 50 });
  for (let i = 0; i < 60; i++) runner.queue.push(`a${i}`, job("fake.s.line"));
  runner.claimer.start();
  await until("it holds what it may hold", () => runner.backlog.size === 32);
  runner.queue.push("b", job("fake.s"));
  runner.executor.end("a0");
  await until("the line goes on", () => runner.executor.launched.length === 2);
  await until("the place is taken", () => runner.backlog.size === 32);
  assertEquals(runner.executor.ids(), ["a0", "a1"]);
});

Deno.test("the claimer waits for a job that is pushed before it is written, and puts aside what never comes", async () => {
  let now = 0; // moved only by the pauses of the claimer
  const asked: number[] = [];
  const clock = { now: () => now, sleep: (ms: number) => Promise.resolve(void (now += ms)) };
  const queue = ({ start }: FakeQueue): Partial<Queue> => ({
    start: (id) => {
      if (id === "never") asked.push(now);
      return start(id);
    },
  });
  await using runner = fakeRunner({}, { queue, clock });
  runner.queue.startReplies.set("late", [{ type: "MISSING" }, { type: "MISSING" }]);
  runner.queue.startReplies.set("never", Array.from({ length: 9 }, () => ({ type: "MISSING" as const })));
  runner.queue.push("never", job("fake.s"));
  runner.queue.push("late", job("fake.s"));
  runner.claimer.start();
  await until("the late one runs", () => runner.executor.launched.length === 1);
  await until("the other becomes a dead letter", () => runner.queue.deadLetterIds.length === 1);
  assertEquals(runner.executor.ids(), ["late"]);
  assertEquals(runner.queue.deadLetterIds, [["never", "there is no job with this id"]]);
  assertEquals(asked, [0, 100, 400, 1400, 4400]);
});

Deno.test("the claimer does not pause while ids that need no slot wait for their turn", async () => {
  await using runner = fakeRunner({ concurrency: 2 }, { longestSleep: 4000 });
  const ids = Array.from({ length: 20 }, (_, i) => `nothing${i}`);
  for (const id of ids) {
    runner.queue.startReplies.set(id, Array.from({ length: 9 }, () => ({ type: "MISSING" as const })));
    runner.queue.push(id, job("fake.s"));
  }
  runner.claimer.start();
  await until("all become dead letters", () => runner.queue.deadLetterIds.length === ids.length);
});

Deno.test("the claimer puts aside what is no id and no job", async () => {
  await using runner = fakeRunner();
  runner.queue.startReplies.set("list", [{ type: "BADTYPE", redisType: "list" }]);
  runner.queue.startReplies.set("text", [{ type: "JSON", raw: "no json" }]);
  for (const id of ["x".repeat(600), "list", "text"]) runner.queue.push(id, {});
  runner.claimer.start();
  await until("all become dead letters", () => runner.queue.deadLetterIds.length === 3);
  assertEquals(runner.queue.deadLetterIds.map(([, reason]) => reason), [
    "the id has 600 bytes, more than 512",
    "the job is a Redis list, not a hash",
    "the job is a string, not a hash",
  ]);
});

Deno.test("the claimer ends a job that cannot be run, with the reason", async () => {
  await using runner = fakeRunner();
  runner.queue.push("a", job("ftp.s"));
  runner.queue.push("b", { ...job("fake.s"), env_vars: "{" });
  runner.claimer.start();
  await until("both have ended", () => runner.queue.finished.length === 2);
  assertEquals(runner.queue.finished.map((f) => [f.id, f.state, f.error]), [
    ["a", "error", 'Cannot run job: no executor "ftp.s"; kinds are fake'],
    ["b", "error", "Cannot run job: its env_vars is no JSON object"],
  ]);
  assertEquals(runner.executor.launched, []);
});

Deno.test("the claimer launches nothing that is not on disk, and gives it back", async () => {
  const begin = () => Promise.reject(new Error("No space left on device"));
  await using runner = fakeRunner({}, { journal: { begin } });
  runner.queue.push("a", job("fake.s"));
  runner.claimer.start();
  const end = await until("it is given back", () => runner.queue.finished[0]);
  assertEquals(runner.executor.launched, []);
  assertEquals([end.error, end.retryDelayMs], ["Cannot write to the spool: No space left on device", 1000]);
});

Deno.test("the claimer asks again when Redis could not be reached", async () => {
  let outages = 0;
  const serverId = () => ++outages > 1 ? Promise.resolve("") : Promise.reject(unavailable("down"));
  await using runner = fakeRunner({}, { queue: () => ({ serverId }) });
  runner.queue.failures.push({ method: "start", error: unavailable("down") });
  runner.loops.find(({ name }) => name === "recover")!.start();
  runner.queue.push("a", job("fake.s"));
  runner.claimer.start();
  await until("it runs", () => runner.executor.launched.length === 1);
  assertEquals(outages, 2, "it takes nothing until it knows what became of its data");
});

Deno.test("the claimer waits for recovery alone after a failure, and pauses from the second one in a row on", async () => {
  for (const failures of [1, 2]) {
    await using runner = fakeRunner({}, { longestSleep: 25 }); // a pause of the claimer lasts an hour
    const order: string[] = [];
    const { claim } = runner.queue;
    runner.queue.claim = (...args) => {
      order.push("claim");
      return claim(...args);
    };
    runner.queue.serverId = () => {
      order.push("recovery");
      return Promise.resolve("");
    };
    const error = unavailable("down");
    for (let i = 0; i < failures; i++) runner.queue.failures.push({ method: "claim", error });
    runner.loops.find(({ name }) => name === "recover")!.start();
    runner.queue.push("a", job("fake.s"));
    runner.claimer.start();
    await until("the last recovery is over", () => order.length >= 2 * failures && runner.gate.isOpen);
    if (failures === 1) await until("it runs", () => runner.executor.launched.length === 1);
    else await new Promise((resolve) => setTimeout(resolve));
    const expected = failures === 1 ? ["claim", "recovery", "claim"] : ["claim", "recovery", "claim", "recovery"];
    assertEquals([order.slice(0, expected.length), runner.executor.ids()], [expected, failures === 1 ? ["a"] : []]);
  }
});

Deno.test("the claimer warns once of claims that fail again and again, and waits longer each time", async () => {
  await using runner = fakeRunner();
  const error = unavailable("out of memory", { condition: "full" });
  for (let i = 0; i < 6; i++) runner.queue.failures.push({ method: "claim", error });
  runner.loops.find(({ name }) => name === "recover")!.start();
  runner.queue.push("a", job("fake.s"));
  runner.claimer.start();
  await until("it runs", () => runner.executor.launched.length === 1);
  assertEquals(runner.warnings.filter((warning) => warning === "could not claim jobs").length, 1);
});

Deno.test("the claimer claims nothing while the queue is paused", async () => {
  await using runner = fakeRunner();
  runner.gate.close("paused");
  runner.queue.push("a", job("fake.s"));
  runner.claimer.start();
  await settle();
  assertEquals(runner.executor.launched, []);
  runner.gate.open("paused");
  await until("it runs", () => runner.executor.launched.length === 1);
});

Deno.test("the claimer starts nothing that it claims while the queue is being paused", async () => {
  await using runner = fakeRunner();
  runner.claimer.start();
  await until("it waits for a job", () => runner.queue.waits);
  runner.gate.close("paused");
  runner.queue.push("a", job("fake.s"));
  await until("it has taken the job", () => runner.backlog.size === 1);
  assertEquals(runner.executor.launched, []);
  runner.gate.open("paused");
  await until("it runs", () => runner.executor.launched.length === 1);
});

for (const lost of ["held", "fenced"] as const) {
  Deno.test(`the claimer rests while it is ${lost}, also with a claim at hand, and starts it once afterwards`, async () => {
    await using runner = fakeRunner();
    runner.claimer.start();
    await until("it waits for a job", () => runner.queue.waits);
    if (lost === "held") runner.gate.close("restoring");
    else {
      runner.queue.startReplies.set("first", [{ type: "FENCED" }]);
      runner.queue.push("first", job("fake.s"));
      await until("it is fenced and waits again", () => runner.queue.asked.length === 1 && runner.queue.waits);
    }
    runner.queue.push("a", job("fake.s"));
    await runner.backlog.reconcile();
    // a loop that never rests would keep this timer from ever firing
    await settle();
    assertEquals(runner.executor.launched, []);
    if (lost === "held") runner.gate.open("restoring");
    else runner.gate.open("fenced");
    await until("it runs", () => runner.executor.ids().includes("a"));
    await until("nothing waits", () => runner.backlog.size === 0);
    assertEquals(runner.executor.ids().filter((id) => id === "a"), ["a"]);
    assertEquals(runner.queue.started.filter((id) => id === "a"), ["a"]);
  });
}

Deno.test("reconcile() adds claims that were not reported", async () => {
  await using runner = fakeRunner();
  runner.queue.push("ghost", job("fake.s"));
  await runner.queue.claim(1);
  await runner.backlog.reconcile();
  runner.claimer.start();
  await until("it runs", () => runner.executor.launched.length === 1);
  assertEquals(runner.executor.ids(), ["ghost"]);
});

Deno.test("reconcile() starts no more claims than there are slots", async () => {
  await using runner = fakeRunner({ concurrency: 2 });
  for (const id of ["a", "b", "c"]) {
    runner.queue.push(id, job("fake.s"));
    await runner.queue.claim(1);
  }
  await runner.backlog.reconcile();
  runner.claimer.start();
  await until("two run", () => runner.executor.launched.length === 2);
  runner.executor.end("b");
  await until("the third runs", () => runner.executor.launched.length === 3);
  assertEquals(runner.queue.started, ["a", "b", "c"]);
});

Deno.test("jobs stored as JSON for a busy pane occupy no slot of others", async () => {
  await using runner = fakeRunner({ concurrency: 3 });
  const { queue } = runner;
  queue.push("first", job("fake.s.line"));
  runner.claimer.start();
  await until("the pane is busy", () => runner.executor.launched.length === 1);
  const ids = ["j0", "j1", "j2", "j3"];
  for (const id of ids) {
    queue.startReplies.set(id, [{ type: "JSON", raw: JSON.stringify(job("fake.s.line")) }]);
    queue.push(id, {});
  }
  await until("they were read", () => ids.every((id) => queue.jobs.get(id)?.executor));
  queue.push("plain", job("fake.s"));
  await until("the plain job runs", () => runner.executor.ids().includes("plain"));
  assertEquals([runner.executor.ids(), runner.backlog.size], [["first", "plain"], 4]);
  for (const id of ["first", ...ids]) {
    await until("it runs", () => runner.executor.ids().includes(id));
    runner.executor.end(id);
  }
});
