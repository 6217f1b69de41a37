import { type Axis, type BatchPlan, planBatch } from "../../src/client/plan_batch.ts";
import { submissionOf } from "../../src/client/new_batch.ts";
import { InvalidInputError } from "../../src/domain/errors.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";

const options = { nowMs: 5000, newId: () => "new", checkExecutor: () => {} };
const axis = (name: string, ...values: string[]): Axis => ({ names: [name], rows: values.map((value) => [value]) });

function plan(axes: readonly Axis[], more: Partial<BatchPlan["draft"]["submission"]> = {}, delay?: number) {
  const submission = { payload: "true", runner: "r", executor: "tmux.main", ...more };
  return planBatch({ draft: { submission, ...delay === undefined ? {} : { delay } }, axes }, options);
}

Deno.test("planBatch makes all combinations, of which the last variable varies fastest", () => {
  const batch = plan([axis("A", "1", "2"), { names: ["B", "C"], rows: [["x", "y"], ["z", "w"]] }], { env: { E: "e" } });
  assertEquals([batch.id, batch.size, batch.params], ["new", 4, ["A", "B", "C"]]);
  const members = [1, 2, 3, 4].map((index) => batch.member(index).env);
  assertEquals(members, [
    { E: "e", RUNNER_INDEX: "1", A: "1", B: "x", C: "y" },
    { E: "e", RUNNER_INDEX: "2", A: "1", B: "z", C: "w" },
    { E: "e", RUNNER_INDEX: "3", A: "2", B: "x", C: "y" },
    { E: "e", RUNNER_INDEX: "4", A: "2", B: "z", C: "w" },
  ]);
  assertEquals("env" in batch.shared, false);
});

Deno.test("planBatch has the number of an array in RUNNER_INDEX", () => {
  assertEquals(plan([axis("RUNNER_INDEX", "7", "9")]).member(2).env, { RUNNER_INDEX: "9" });
});

Deno.test("planBatch identifies a submission by what was asked for, and not by when", () => {
  const first = plan([axis("A", "1")], {}, 60);
  assertEquals(first.shared.notBeforeMs, 65_000);
  const again = planBatch({
    draft: { submission: { payload: "true", runner: "r", executor: "tmux.main" }, delay: 60 },
    axes: [axis("A", "1")],
  }, { ...options, nowMs: 99 });
  assertEquals(again.definition, first.definition);
  assert(plan([axis("A", "1")], {}, 61).definition !== first.definition);
  assert(plan([axis("A", "2")], {}, 60).definition !== first.definition);
  assert(plan([axis("A", "1")], { env: { E: "1" } }, 60).definition !== first.definition);
});

Deno.test("planBatch refuses what no batch can be, by one sentence", () => {
  const rows: [readonly Axis[], string, Partial<BatchPlan["draft"]["submission"]>?][] = [
    [[axis("A")], "there are no values for A"],
    [[axis("A", "1"), axis("A", "2")], "two options set the variable A"],
    [[axis("A", "1")], "--env and the members both set the variable A", { env: { A: "x" } }],
    [[axis("A-B", "1")], 'Cannot set environment variable "A-B"'],
    [[axis("A", ...Array(2000).fill("1")), axis("B", ...Array(2000).fill("1"))], "it has 4000000 members, more than"],
    [[axis("A", "1")], "at most 500", { id: "x".repeat(501) }],
    [[axis("A", "1")], "its payload is empty", { payload: " " }],
  ];
  for (const [axes, message, more] of rows) assertThrows(() => plan(axes, more), InvalidInputError, message);
});

Deno.test("planBatch refuses a batch of which any member could not run", () => {
  const long = "x".repeat(9 << 20);
  const rows: [readonly Axis[], string][] = [
    [[axis("A", "1", long), axis("B", "1", long, "2")], "its environment has"],
    [[axis("A", "1", "\ud800")], 'environment variable "A" is no valid Unicode text'],
  ];
  for (const [axes, message] of rows) assertThrows(() => plan(axes), InvalidInputError, message);
});

Deno.test("submissionOf makes the batch of a program", () => {
  const batch = submissionOf(
    { job: { payload: "x" }, array: [3, 4], params: { lr: [0.1, "y"] }, each: ["a b"] },
    options,
  );
  assertEquals(batch.size, 4);
  assertEquals(batch.member(4).env, { RUNNER_INDEX: "4", lr: "y", RUNNER_LINE: "a b" });
  assertEquals([batch.shared.runner, batch.shared.executor], ["test_runner", "tmux.main"]);
  const job = { payload: "x" };
  const refused = (more: object, message: string) =>
    assertThrows(() => submissionOf({ job, ...more }, options), InvalidInputError, message);
  refused({}, "its members do not differ");
  refused({ array: [4, 3] }, "is no range of whole numbers");
  refused({ array: [1, 10_000_000] }, "it has 10000000 members");
  refused({ array: [1, 2], stopAfter: 0 }, "stopAfter must be");
  refused({ array: [1, 2], atMost: 1.5 }, "atMost must be");
  assertEquals(submissionOf({ job, array: [1, 2], atMost: 1 }, options).atMost, 1);
});
