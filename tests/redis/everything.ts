import type { RedisJobStore } from "../../src/redis/job_store.ts";
import type { RedisQueue } from "../../src/redis/queue.ts";
import type { Queue } from "../../src/ports/queue.ts";
import type { Firing } from "../../src/ports/schedules.ts";
import type { Submission } from "../../src/domain/submission.ts";
import { batchOf } from "./batch_fixture.ts";
import { ended, INFO, raw } from "./redis_fixture.ts";

/** A step and its name. */
export type Step = [name: string, run: () => Promise<unknown>];

/** Permits of limits that jobs `x` and `y` have, too, and of the queue. */
const PERMITS = "0 2 5 gpu\n1 1 0 disk\n- 9 5 runner:r";

const options = { policy: "requeue", graceMs: 0, lostAfterMs: 1 } as const;

/** A submission to runner `r`. */
export function job(id: string, more: Partial<Submission> = {}): Submission & { id: string } {
  return { id, payload: "true", runner: "r", executor: "tmux.main", ...more };
}

/** A firing of schedule `s`, whose planned time is `planned`. */
function firing(planned: string, timeMs: number): Firing {
  const definition = { cron: "@daily", tz: "UTC", sinceMs: 0, overlap: "queue", catchUp: 0, jitter: 0 } as const;
  const rest = {
    lastMs: null,
    job: timeMs === 2 ? "" : "s@2",
    heldMs: null,
    waits: false,
    skipped: null,
    paused: false,
  };
  const submission = job(`s@${planned}`);
  const schedule = { ...definition, submission, name: "s", revision: "6", nextMs: Number(planned), ...rest };
  return { schedule, timeMs, nextMs: 9, graceMs: 9e12, submission, plannedId: submission.id };
}

/** Everything that a runner does, about jobs `a` to `e`; `gone` is an instance whose lease has ended. */
export function runnerSteps(queue: RedisQueue, gone = "gone"): Step[] {
  const [run, second, third, member] = ["a", "a", "x", "m.1"].map((id) => ({ id, token: "" }));
  const start = async (run: { id: string; token: string }) => {
    const reply = await queue.start(run.id);
    if (reply.type === "OK" || reply.type === "HELD") run.token = reply.token;
    return reply;
  };
  const reassert = { attempt: 2, startedMs: 5, job: { payload: "true", status: "started" }, meta: { keep: "9" } };
  return [
    ["register", () => queue.register(INFO)],
    ["claim", () => queue.claim(1)],
    ["claimed", () => queue.claimed()],
    ["wait", () => queue.wait(1)],
    ["peek", () => queue.peek("a")],
    ["start", () => start(run)],
    ["appendOutput", () => queue.appendOutput(run, 0, raw("x"))],
    ["newestAttempts", () => queue.newestAttempts(["a"])],
    ["owned", () => queue.owned()],
    ["heartbeat", () => queue.heartbeat([run], "up")],
    ["inputRequired", () => queue.inputRequired(run, "name?")],
    ["inputResolved", () => queue.inputResolved(run)],
    ["serve", () => queue.serve("view")],
    ["reply", () => queue.reply({ requestId: "x", ...run, request: { type: "screen" } }, { type: "gone" })],
    ["finish", () => queue.finish(ended(run, { state: "error", retryDelayMs: 0 }))],
    ["due", () => queue.due(5)],
    ["promote", () => queue.promote("a")],
    ["claim", () => queue.claim(9, ["tmux.main"])],
    ["start", () => start(second)],
    ["finish", () => queue.finish(ended(second))],
    ["promote", () => queue.promote("w", { force: true })],
    ["settle", () => queue.settle("a")],
    ["unsettled", () => queue.unsettled(5)],
    ["reassert", () => queue.reassert({ ...second, ...reassert })],
    ["restore", () => queue.restore({ ...second, ...reassert }, ended(second))],
    ["endOf", () => queue.endOf(second)],
    ["release", () => queue.release(raw("b"))],
    ["reroute", () => queue.reroute("c", "q")],
    ["dead_letter", () => queue.deadLetter(raw("d"), "odd")],
    ["start", () => queue.start("e")],
    ["convert", () => queue.convert("e", "{}", { payload: "x" })],
    ["peers", () => queue.leases()],
    ["holdings", () => queue.holdings(gone)],
    ["reap", () => queue.reap(gone, { claim: raw("f") }, options)],
    ["reap", () => queue.reap(gone, { attempt: "g" }, options)],
    ["reap", () => queue.reap(gone, { attempt: "h" }, { ...options, policy: "fail" })],
    ["retire", () => queue.retire(gone)],
    ["start", () => start(member)],
    ["release", () => queue.release(raw("m.2"))],
    ["finish", () => queue.finish(ended(member, { state: "error", exitCode: 1, error: "x" }))],
    ["settle", () => queue.settle("m")],
    ["sweep", () => queue.sweep(100)],
    ["serverId", () => queue.serverId()],
    ["schedules", () => queue.schedules.read()],
    [
      "schedule_restore",
      () => queue.schedules.scheduleRestore("s", { rev: "5", last: "1", removed: "1", keep: "9" }, 9),
    ],
    ["schedule_restore", () => queue.schedules.scheduleRestore("s", { rev: "6", next: "2" }, 0)],
    ["schedule_fired", () => queue.schedules.scheduleFired(firing("2", 2))],
    ["schedule_fired", () => queue.schedules.scheduleFired(firing("9", 9))],
    ["start", () => start(third)],
    ["start", () => queue.start("y")],
    ["finish", () => queue.finish(ended(third))],
    ["reassert", () => queue.reassert({ id: "z", token: "1.z", ...reassert, meta: { permits: PERMITS } })],
    ["reap", () => queue.reap(gone, { attempt: "v" }, options)],
    ["unpark", () => queue.limits.unpark()],
    ["length", () => queue.length()],
    ["cancelLast", () => queue.schedules.cancelLast("s@2")],
  ];
}

const ONCE = { reply: "y", waitMs: 10 };

/** Everything that a client does. */
export function clientSteps(store: RedisJobStore): Step[] {
  return [
    ["submit", () => store.submit(job("n", { title: "t" }))],
    ["submit", () => store.submit(job("o", { notBeforeMs: 9e12 }))],
    ["submit", () => store.submit(job("p", { priority: "high" }))],
    ["submit", () => store.submit(job("l", { priority: "low" }))],
    ["submit", () => store.submit(job("q", { after: "a" }))],
    ["submit", () => store.submit(job("s", { after: "none", keep: 0 }))],
    ["submit", () => store.submit(job("u", { after: ["a", "b"], afterEnd: "c" }))],
    ["dependents", () => store.dependents("a", "waiting")],
    ["dependents", () => store.dependents("a", "skipped")],
    ["read", () => store.read("a")],
    ["read", () => store.read("e")],
    ["place", () => store.read("b").then((stored) => stored && store.place(stored))],
    ["newest", () => store.newest(5)],
    ["withPrefix", () => store.withPrefix("a", 5)],
    ["instances", () => store.instances()],
    ["queues", () => store.queues()],
    ["running", () => store.running("r", "i")],
    ["summaries", () => store.summaries(["a", "e", "none"])],
    ["endings", () => store.endings(["a", "e", "none"])],
    ["newestEvents", () => store.newestEvents(5)],
    ["eventsAfter", () => store.eventsAfter("0", 1)],
    ["pause", () => store.pause("r", true)],
    ["pause", () => store.pause("r", false)],
    ["deadLetters", () => store.deadLetters(5)],
    ["output", () => store.output("a", "")],
    ["time", () => store.time()],
    ["request", () => store.read("t").then((stored) => stored && store.request(stored, { type: "screen" }, ONCE))],
    ["cancel", () => store.cancel("a", "")],
    ["retry", () => store.retry("a")],
    ["cancel", () => store.cancel("b", "")],
    ["cancel", () => store.cancel("e", "")],
    ["retry", () => store.retry("b")],
    ["submit", () => store.submit(job("V", { runner: "alone" }))],
    ["cancel", () => store.cancel("V", "")],
    ["indexed", () => Array.fromAsync(store.indexed())],
    ["indexSize", () => store.indexSize()],
    ["waiting", () => Array.fromAsync(store.waiting())],
    ["cancel", () => store.cancel("c", "", { queue: "r", waitingOnly: true })],
    ["retry", () => store.retry("c", { runner: "r" })],
    ["purge", () => store.purge({ endedBeforeMs: 9e12, countOnly: true }, ["a", "b", "c"])],
    ["purge", () => store.purge({ endedBeforeMs: 9e12, countOnly: false }, ["a", "b", "c"])],
    ["batch_submit", () => store.batches.batchSubmit(batchOf("u2", 3), 1)],
    ["batch_read", () => store.batches.read("u2")],
    ["read", () => store.read("u2.1")],
    ["cancel", () => store.cancel("u2.1", "")],
    ["batch_cancel", () => store.batches.batchCancel("u2", "why")],
    ["batch_purge", () => store.batches.batchPurge("u2", { endedBeforeMs: 9e15, countOnly: false })],
    ["submit", () => store.submit(job("X", { limits: ["gpu"] }), { maxQueued: 99 })],
    ["limit_set", () => store.limits.limitSet("gpu", 2)],
    ["limit_set", () => store.limits.limitSet("runner:r", 9)],
    ["limits", () => store.limits.read()],
    ["cancel", () => store.cancel("y", "")],
    ["retry", () => store.retry("y")],
    ["limit_remove", () => store.limits.limitRemove("runner:r")],
    ["limit_remove", () => store.limits.limitRemove("gpu")],
    ["schedule_add", () => store.schedules.scheduleAdd("t", firing("1", 1).schedule, 9e12)],
    ["schedule_pause", () => store.schedules.schedulePause("t", "pause")],
    ["schedule_pause", () => store.schedules.schedulePause("t", { revision: "0", nextMs: null })],
    ["schedules", () => store.schedules.read()],
    ["schedule_remove", () => store.schedules.scheduleRemove("t", 9)],
  ];
}

/**
 * Jobs in every state for the steps above; `t` runs; `queue` and `lost` (instance `gone`) end with claims and runs.
 * `endHold` lets jobs with limits start.
 */
export async function prepare(
  store: RedisJobStore,
  queue: Queue,
  lost: Queue,
  endHold: () => Promise<unknown>,
): Promise<void> {
  await queue.register(INFO);
  await lost.register(INFO);
  await endHold();
  await store.limits.limitSet("gpu", 2);
  await store.submit(job("v", { limits: ["gpu", "one"] }));
  await store.submit(job("parked", { limits: ["one"] }));
  await lost.claim(2, ["tmux.main"]);
  for (const id of ["f", "g", "h"]) {
    await store.submit(job(id));
    await lost.claim(1);
    if (id !== "f") await lost.start(id);
  }
  await store.submit(job("t"));
  await queue.claim(1);
  await queue.start("t");
  for (const id of ["x", "y"]) await store.submit(job(id, { limits: ["gpu", "disk"] }));
  for (const id of ["b", "c", "d", "a"]) await store.submit(job(id));
  for (let i = 0; i < 6; i++) await queue.claim(1);
  await store.submit(job("w", { after: "a" }));
  // its second member is for an executor that is busy
  const member = (index: number) => ({ env: {}, own: index === 2 ? { executor: "tmux.busy" } : {} });
  await store.batches.batchSubmit(batchOf("m", 3, { stopAfter: 1, member }), 1);
}
