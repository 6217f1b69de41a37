import { assertEquals } from "../support/assert.ts";
import { until } from "../support/until.ts";
import { type FakeRunner, fakeRunner } from "./fakes.ts";
import { unavailable } from "../support/unavailable.ts";

const job = { executor: "fake.s", payload: "true" };
const bytes = (text: string) => new TextEncoder().encode(text);

async function launched(runner: FakeRunner, id: string, fields = {}): Promise<void> {
  runner.queue.push(id, { ...job, ...fields });
  runner.claimer.start();
  await until(`${id} runs`, () => runner.executor.ids().includes(id));
}

Deno.test("the finisher reports state, sentence, code and output, then forgets the run", async () => {
  await using runner = fakeRunner();
  await launched(runner, "a");
  const output = { total: 6, head: bytes("hello\n"), tail: bytes(""), truncated: false };
  runner.executor.end("a", { code: 3, output });
  await until("it is forgotten", () => runner.executor.forgotten.length === 1);
  const [end] = runner.queue.finished;
  assertEquals([end.state, end.error, end.exitCode, end.result, end.outputBytes, end.keep, end.retryDelayMs], [
    "error",
    "exited with code 3",
    3,
    "hello\n",
    6,
    60,
    null,
  ]);
  assertEquals(runner.journal.settled.length, 1);
  assertEquals(runner.attempts.size, 0);
  assertEquals(runner.queue.settled, ["j"]);
});

Deno.test("the finisher goes on until Redis replies, and settles only then", async () => {
  await using runner = fakeRunner();
  await launched(runner, "a");
  for (let i = 0; i < 5; i++) runner.queue.failures.push({ method: "finish", error: unavailable("down") });
  runner.executor.end("a");
  assertEquals(runner.attempts.busy, 0, "an end that is not acknowledged holds no slot");
  await until("it is told", () => runner.queue.finished.length === 1);
  assertEquals(runner.queue.failures.length, 0);
  await until("it is settled", () => runner.journal.settled.length === 1);
});

Deno.test("the finisher reports an end also to a Redis that accepts no output, and waits for one that is away", async () => {
  for (const condition of ["full", "unfit", "unreachable"] as const) {
    let away = 3;
    const refused = () => unavailable("no output", { condition, sent: true });
    const queue = () => ({
      appendOutput: () => condition !== "unreachable" || away-- > 0 ? Promise.reject(refused()) : Promise.resolve(0),
    });
    await using runner = fakeRunner({}, { queue });
    await launched(runner, "a");
    const head = Uint8Array.of(0xff); // no text: the result does not hold it as it is
    runner.executor.end("a", { output: { total: 1, head, tail: bytes(""), truncated: false } });
    await until(`${condition}: it is told`, () => runner.queue.finished.length === 1);
    assertEquals(away, condition === "unreachable" ? -1 : 3);
  }
});

Deno.test("the finisher gives a job back that Redis lost, then reports its end", async () => {
  await using runner = fakeRunner();
  await launched(runner, "a", { caller_id: "me" });
  runner.queue.finishReplies.push("MISSING");
  runner.executor.end("a");
  await until("it is told", () => runner.queue.finished.length === 1);
  const [request] = runner.queue.reasserted;
  assertEquals([request.id, request.job.caller_id, request.job.status], ["a", "me", "started"]);
});

Deno.test("the finisher asks for another attempt when one is left, later each time", async () => {
  const meta = { retry_max: "2", backoff_from: "2", backoff_to: "3" };
  for (
    const [attempt, end, delay] of [[1, { code: 1 }, 2000], [2, { code: 1 }, 3000], [3, { code: 1 }, null], [1, {
      code: 0,
    }, null], [
      1,
      { kind: "cancelled", code: 143 },
      null,
    ], [1, { kind: "timed_out", code: 143 }, 2000]] as const
  ) {
    await using runner = fakeRunner();
    const token = `${attempt}.abcdef012345`;
    runner.queue.startReplies.set("a", [{ type: "OK", token, attempt, seq: attempt, job, meta }]);
    await launched(runner, "a");
    runner.executor.end("a", end);
    const request = await until("it is told", () => runner.queue.finished[0]);
    assertEquals(request.retryDelayMs, delay, JSON.stringify([attempt, end]));
  }
});

Deno.test("the finisher does not believe numbers of the bookkeeping that submit would refuse", async () => {
  for (
    const [name, value] of [["retry_max", "x"], ["retry_max", "-1"], ["retry_max", "Infinity"], ["keep", "-1"], [
      "keep",
      "x",
    ]]
  ) {
    await using runner = fakeRunner();
    const started = { type: "OK", token: "1.abcdef012345", attempt: 1, seq: 1, job, meta: { [name]: value } } as const;
    runner.queue.startReplies.set("a", [started]);
    await launched(runner, "a");
    runner.executor.end("a", { code: 1 });
    const request = await until("it is told", () => runner.queue.finished[0]);
    assertEquals([request.retryDelayMs, request.keep], [null, 60], `${name} ${value}`);
  }
});

Deno.test("the finisher gives a run back that its host could not begin, later each time, whatever retries are left", async () => {
  for (const [attempt, delay] of [[1, 1000], [3, 4000], [9, 30_000], [100, null]] as const) {
    await using runner = fakeRunner();
    runner.queue.startReplies.set("a", [{
      type: "OK",
      token: `${attempt}.abcdef012345`,
      attempt,
      seq: 1,
      job,
      meta: {},
    }]);
    await launched(runner, "a");
    runner.executor.end("a", { kind: "unlaunched", code: null, why: "no room" });
    const request = await until("it is told", () => runner.queue.finished[0]);
    assertEquals([request.retryDelayMs, request.error], [delay, "no room"], String(attempt));
  }
});
