import { Hooks } from "../../src/runner/hooks.ts";
import type { RunnerParts } from "../../src/runner/parts.ts";
import { LaunchError } from "../../src/domain/errors.ts";
import type { Hook } from "../../src/ports/executor.ts";
import type { LogFields } from "../../src/ports/log.ts";
import { assertEquals } from "../support/assert.ts";
import { until } from "../support/until.ts";
import { fakeRunner } from "./fakes.ts";

const hooked = { hooks: [{ on: "end", command: "notify" }] as const, hookLimitMs: 5000 };
const job = { executor: "fake.s", payload: "true" };

/** Hooks over an executor that ends each when the test says so, with what the log says. */
function fixture(settings: Partial<RunnerParts["settings"]> = hooked) {
  const said: [string, LogFields | undefined][] = [];
  const begun: { hook: Hook; end: (code: number | null) => void; fail: (error: Error) => void }[] = [];
  const warn = (message: string, fields?: LogFields) => void said.push([message, fields]);
  const hooks = new Hooks(
    {
      log: { warn },
      settings: { name: "r", namespace: "ns:", ...hooked, ...settings },
      executors: new Map(),
      digestOf: () => "d",
    } as unknown as RunnerParts,
  );
  const executor = {
    hook: (hook: Hook) =>
      new Promise<number | null>((resolve, reject) => begun.push({ hook, end: resolve, fail: reject })),
  };
  const ended = (id: string, { meta = {}, fields = {}, ...end } = {} as Record<string, object>) =>
    hooks.ended(
      { attempt: { name: `run-${id}`, id, number: 2, job: { ...job, ...fields }, meta }, executor } as never,
      { state: "finished", error: "", exitCode: 0, ms: 1500, ...end } as never,
    );
  return { hooks, said, begun, ended };
}

Deno.test("a hook gets which job has ended, and how", async () => {
  const { begun, ended } = fixture();
  ended("it's", {
    meta: { title: "T", "label:team": "a" },
    fields: { caller_id: "me", context_id: "x".repeat(5000) },
    ...{ state: "error", exitCode: 137, error: "killed by signal 9 (KILL)", truncated: true } as unknown as Record<
      string,
      object
    >,
  });
  const { env, ...hook } = begun[0].hook;
  assertEquals(hook, { name: "run-it's.0.1", command: "notify", limitMs: 5000, input: hook.input });
  assertEquals(JSON.parse(hook.input!), {
    ...{ event: "end", id: "it's", attempt: 2, executor: "fake.s", title: "T", caller_id: "me", labels: { team: "a" } },
    ...{ context_id: "x".repeat(4096), runner: "r", namespace: "ns:", state: "error", exit_code: 137, signal: "KILL" },
    ...{ error: "killed by signal 9 (KILL)", truncated: true, seconds: 1.5 },
  });
  assertEquals(env, {
    RUNNER_EVENT: "end",
    RUNNER_JOB_ID: "it's",
    RUNNER_ATTEMPT: "2",
    RUNNER_STATE: "error",
    RUNNER_EXIT_CODE: "137",
    RUNNER_SIGNAL: "KILL",
    RUNNER_ERROR: "killed by signal 9 (KILL)",
    RUNNER_TRUNCATED: "1",
    RUNNER_SECONDS: "1.5",
    RUNNER_EXECUTOR: "fake.s",
    RUNNER_TITLE: "T",
    RUNNER_CALLER_ID: "me",
    RUNNER_CONTEXT_ID: "x".repeat(4096),
    RUNNER_NAME: "r",
    RUNNER_NAMESPACE: "ns:",
  });
  const page = await Deno.readTextFile(new URL("../../src/executors/tmux/JOBS.md", import.meta.url));
  const table = page.split("## When a job has ended")[1].split("\n## ")[0].split("\n").filter((line) =>
    line[0] === "|"
  );
  const named = [...table.join("\n").matchAll(/RUNNER_\w+/g)].map(([name]) => name);
  assertEquals(named.sort(), Object.keys(env).sort());
});

Deno.test("four hooks run side by side, the others follow in order", async () => {
  const { hooks, begun, ended } = fixture();
  for (let i = 0; i < 6; i++) ended(String(i));
  assertEquals(begun.length, 4);
  let all = false;
  hooks.begun().then(() => all = true);
  begun[2].end(0);
  await until("the fifth begins", () => begun.length === 5);
  assertEquals([begun[4].hook.name, all], ["run-4.0.5", false]);
  begun[0].end(0);
  await until("all have begun", () => all);
  assertEquals(begun.length, 6);
});

Deno.test("a hook that fails is one line, and those behind it run", async () => {
  const { said, begun, ended } = fixture();
  for (const id of ["a", "b", "c", "d", "e"]) ended(id);
  begun[0].end(3);
  begun[1].end(null);
  begun[2].fail(new LaunchError("Cannot run hook: no tmux"));
  begun[3].end(0);
  await until("the fifth begins", () => begun.length === 5);
  assertEquals(said, [
    ["hook failed", { job: "a", attempt: 2, code: 3 }],
    ["hook failed", { job: "b", attempt: 2, error: "its end is not known" }],
    ["hook failed", { job: "c", attempt: 2, error: "Cannot run hook: no tmux" }],
  ]);
});

Deno.test("more than a thousand waiting hooks are dropped, which is said at the first and at the end", async () => {
  const { said, begun, ended } = fixture();
  for (let i = 0; i < 1010; i++) ended(String(i));
  assertEquals(said, [["hooks are slower than jobs; dropping some", { job: "1004" }]]);
  for (let i = 0; i < 1000; i++) {
    begun[i].end(0);
    for (let turns = 0; begun.length < i + 5 && turns < 20; turns++) await Promise.resolve();
  }
  assertEquals(begun.length, 1004);
  assertEquals(said.slice(1), [["dropped hooks", { count: 6 }]]);
});

Deno.test("what has not begun at the stop is counted", async () => {
  const { hooks, said, begun, ended } = fixture();
  for (let i = 0; i < 7; i++) ended(String(i));
  hooks.stop();
  begun[0].end(null);
  await Promise.resolve();
  assertEquals([said, begun.length], [[["left hooks that had not begun", { count: 3 }]], 4]);
});

Deno.test("each event has the hooks that name it, with the facts of that event", () => {
  const hooks = (["start", "input_required", "lost", "end", "lost"] as const).map((on, i) => ({
    on,
    command: `c${i}`,
  }));
  const executor = { hook: (hook: Hook) => (said.push(hook), Promise.resolve(0)) };
  const said: Hook[] = [];
  const parts = { log: {}, digestOf: () => "d", executors: new Map([["fake", executor]]) };
  const watched = new Hooks({ ...parts, settings: { name: "r", namespace: "", hooks, hookLimitMs: 1 } } as never);
  const active = { attempt: { name: "run", id: "a", number: 1, job, meta: {} }, executor } as never;
  watched.started(active);
  watched.inputRequired(active, "deploy? [y/N]");
  watched.lost(active, "its terminal was closed");
  watched.stop();
  const facts = said.map((
    { name, command, env },
  ) => [name, command, env.RUNNER_EVENT, env.RUNNER_LINE ?? env.RUNNER_ERROR]);
  assertEquals(facts, [
    ["run.0.1", "c0", "start", undefined],
    ["run.1.2", "c1", "input_required", "deploy? [y/N]"],
    ["run.2.3", "c2", "lost", "its terminal was closed"],
    ["run.4.4", "c4", "lost", "its terminal was closed"],
  ]);
});

Deno.test("a job of a lost host has the hooks of this runner", () => {
  const said: Hook[] = [];
  const executor = { hook: (hook: Hook) => (said.push(hook), Promise.resolve(0)) };
  const settings = { name: "r", namespace: "", hooks: [{ on: "lost", command: "c" }], hookLimitMs: 1 };
  const parts = { log: {}, settings, digestOf: () => "d", executors: new Map([["fake", executor]]) };
  new Hooks(parts as never).lostElsewhere({ id: "a", token: "3.n" }, "requeued");
  const { event, id, attempt, error } = JSON.parse(said[0].input!);
  assertEquals([event, id, attempt, error], ["lost", "a", 3, "its host was lost; it is queued again"]);
});

Deno.test("without a command there are no hooks", () => {
  const { begun, ended } = fixture({ hooks: [] });
  ended("a");
  assertEquals(begun.length, 0);
});

Deno.test("the finisher runs a hook for an end that is ours, once, and of no other", async () => {
  await using runner = fakeRunner(hooked);
  const reported = () => runner.executor.hooks.map(({ env }) => `${env.RUNNER_JOB_ID} ${env.RUNNER_STATE}`);
  runner.claimer.start();
  for (
    const [id, answer] of [["a", null], ["b", "RETRY"], ["c", "FENCED"], ["d", "MISSING"], ["e", "ALREADY"]] as const
  ) {
    runner.queue.push(id, job);
    await until(`${id} runs`, () => runner.executor.ids().includes(id));
    if (answer) runner.queue.finishReplies.push(answer);
    runner.executor.end(id);
    await until(`${id} is settled`, () => runner.journal.settled.length === runner.executor.launched.length);
  }
  // the process that launched it has reported it before: the reply was lost
  assertEquals(reported(), ["a finished", "d finished", "e finished"]);
  for (const [id, answer] of [["f", null], ["g", "ALREADY"]] as const) {
    const attempt = { ...runner.journal.begun[0], name: `run-${id}`, id };
    if (answer) runner.queue.finishReplies.push(answer);
    runner.finisher.finish(runner.launcher.adopt(attempt), { kind: "exited", code: 0 });
    await until(`${id} is settled`, () => runner.journal.settled.some(([run]) => run === `run-${id}`));
  }
  // an earlier process may have reported the one of g
  assertEquals(reported().slice(3), ["f finished"]);
});
