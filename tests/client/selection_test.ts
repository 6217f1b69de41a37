import { viewJob } from "../../src/client/job_view.ts";
import {
  canBeWaiting,
  checkSelection,
  type Filter,
  fits,
  isFiltered,
  isWaitingOnly,
  type Selection,
} from "../../src/client/selection.ts";
import { InvalidInputError } from "../../src/domain/errors.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";

const MS = Date.UTC(2026, 0, 31);

const JOB = viewJob({
  id: "j",
  fields: {
    status: "error",
    error: "timed out after 3 s",
    runner: "r",
    caller_id: "me",
    context_id: "x",
    payload: "make Report",
    created_at: new Date(MS).toISOString(),
  },
  meta: { "label:team": "core", "label:nightly": "", title: "The title" },
});

Deno.test("fits() tests every condition", () => {
  const cases: [Filter, boolean][] = [
    [{}, true],
    [{ states: [], outcomes: [], labels: {} }, true],
    [{ states: ["failed"] }, true],
    [{ states: ["error", "queued"] }, true],
    [{ states: ["queued"] }, false],
    [{ outcomes: ["timed-out"] }, true],
    [{ outcomes: ["failed", "lost"] }, false],
    [{ runner: "r" }, true],
    [{ runner: "q" }, false],
    [{ callerId: "me" }, true],
    [{ callerId: "you" }, false],
    [{ contextId: "x" }, true],
    [{ contextId: "y" }, false],
    [{ labels: { team: "core" } }, true],
    [{ labels: { team: "core", nightly: null } }, true],
    [{ labels: { nightly: "" } }, true],
    [{ labels: { team: "other" } }, false],
    [{ labels: { toString: null } }, false],
    [{ sinceMs: MS }, true],
    [{ sinceMs: MS + 1 }, false],
    [{ beforeMs: MS + 1 }, true],
    [{ beforeMs: MS }, false],
    [{ text: "report" }, true],
    [{ text: "THE TITLE" }, true],
    [{ text: "nothing" }, false],
    [{ runner: "r", outcomes: ["ok"] }, false],
  ];
  for (const [filter, expected] of cases) assertEquals(fits(JOB, filter), expected, JSON.stringify(filter));
});

Deno.test("a job of unknown age fits no condition on its age", () => {
  const old = viewJob({ id: "j", fields: {}, meta: {} });
  assertEquals([{ sinceMs: 0 }, { beforeMs: 9e12 }, {}].map((filter) => fits(old, filter)), [false, false, true]);
});

Deno.test("a job that waits for input is running, and waiting", () => {
  const asks = viewJob({ id: "j", fields: { status: "started" }, meta: { input_ms: "5", token: "1.x" } });
  const runs = viewJob({ id: "j", fields: { status: "started" }, meta: { token: "1.x" } });
  for (const [state, ...expected] of [["running", true, true], ["waiting", true, false]] as const) {
    assertEquals([asks, runs].map((job) => fits(job, { states: [state] })), expected);
  }
});

Deno.test("a job has an outcome once it has ended", () => {
  const cases: [Record<string, string>, Record<string, string>, string | null][] = [
    [{}, {}, null],
    [{ status: "started" }, { skipped: "1" }, null],
    [{ status: "finished", error: "lost" }, {}, "ok"],
    [{ status: "error" }, {}, "failed"],
    [{ status: "error", error: "exited with code 3" }, {}, "failed"],
    [{ status: "error", error: "timed out after 3 s" }, {}, "timed-out"],
    [{ status: "error", error: "cancelled: why" }, {}, "cancelled"],
    [{ status: "error", error: "lost: host gone" }, {}, "lost"],
    [{ status: "error", error: 'not started: job "a" failed' }, { skipped: "1" }, "skipped"],
  ];
  for (const [fields, meta, outcome] of cases) assertEquals(viewJob({ id: "j", fields, meta }).outcome, outcome);
});

Deno.test("which conditions there are decides what is searched", () => {
  const conditions: Filter[] = [
    ...[{ states: ["queued"] }, { outcomes: ["ok"] as const }, { runner: "r" }, { callerId: "" }, { contextId: "x" }],
    ...[{ labels: { a: null } }, { sinceMs: 0 }, { beforeMs: 0 }, { text: "x" }],
  ];
  for (const filter of conditions) assertEquals(isFiltered(filter), true, JSON.stringify(filter));
  assertEquals([{}, { states: [], outcomes: [], labels: {}, runner: undefined }].map(isFiltered), [false, false]);
  const waiting = (filter: Filter) => [canBeWaiting(filter), isWaitingOnly(filter)];
  assertEquals(waiting({}), [true, false]);
  assertEquals(waiting({ states: ["queued", "dispatched"] }), [true, true]);
  assertEquals(waiting({ states: ["queued", "running"] }), [true, false]);
  assertEquals(waiting({ states: ["waiting"] }), [false, false]);
  assertEquals(waiting({ outcomes: ["ok"] }), [false, false]);
});

Deno.test("checkSelection() refuses what would select other jobs than were meant", () => {
  const cases: [Selection, string][] = [
    [{ states: ["qeued"] }, 'state "qeued" is not one of queued, running, '],
    [{ outcomes: ["bad" as "ok"] }, 'outcome "bad" is not one of ok, failed, '],
    [{ sinceMs: NaN }, "sinceMs is no number"],
    [{ beforeMs: NaN }, "beforeMs is no number"],
    [{ text: "" }, "text is empty"],
    [{ runner: "" }, "runner is empty"],
    [{ callerId: "" }, "callerId is empty"],
    [{ contextId: "" }, "contextId is empty"],
    [{ ids: ["a"], runner: "r" }, "ids and conditions are given together; give one of them"],
    [{ ids: [], states: ["queued"] }, "ids and conditions are given together; give one of them"],
  ];
  for (const [selection, reason] of cases) {
    assertThrows(() => checkSelection(selection, "cancel"), InvalidInputError, `Cannot cancel jobs: ${reason}`);
  }
  for (const selection of [{}, { ids: ["@"] }, { states: ["queued"], beforeMs: 5 }]) {
    checkSelection(selection, "cancel");
  }
});
