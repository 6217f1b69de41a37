import { exitCodeOfJob, type JobView, viewJob } from "../../src/client/job_view.ts";
import type { StoredJob } from "../../src/ports/job_store.ts";
import { assertEquals } from "../support/assert.ts";

const stored = (fields: StoredJob["fields"], meta: Record<string, string> = {}) => ({ id: "j", fields, meta });

const NOTHING: JobView = {
  batch: null,
  index: null,
  id: "j",
  status: "dispatched",
  runner: "",
  executor: "tmux.main",
  title: "",
  payload: "",
  exitCode: null,
  outcome: null,
  error: "",
  attempt: null,
  createdMs: null,
  startedMs: null,
  endedMs: null,
  seconds: null,
  input: null,
  instance: null,
  callerId: "",
  contextId: "",
  timeout: null,
  envNames: [],
  labels: {},
  priority: "normal",
  cwd: "",
  limits: [],
  waitsForLimit: null,
  after: [],
  skipped: false,
  retries: null,
  outputBytes: null,
  truncated: false,
  left: "",
  cancelReason: null,
  result: "",
};

Deno.test("viewJob shows a job of which nothing is given", () => {
  assertEquals(viewJob(stored({})), NOTHING);
  assertEquals(viewJob(stored({ id: "another", status: "", executor: "", timeout: "", env_vars: "" })), NOTHING);
});

Deno.test("viewJob reads no number, time or environment out of odd text", () => {
  const cases: [StoredJob["fields"], Record<string, string>][] = [
    [{ timeout: "soon" }, { attempt: "x", retry_max: "", output_bytes: "NaN" }],
    [{ timeout: "Infinity" }, { attempt: "Infinity", output_bytes: "-Infinity" }],
    [{ timeout: "0" }, { started_ms: "8.65e15" }],
    [{ created_at: "yesterday" }, { started_ms: "-8.65e15" }],
    ...["{", "null", "[]", "7", '"A"'].map((env_vars): [StoredJob["fields"], Record<string, string>] => [
      { env_vars },
      {},
    ]),
  ];
  for (const [fields, meta] of cases) assertEquals(viewJob(stored(fields, meta)), NOTHING, JSON.stringify(fields));
});

Deno.test("viewJob shows the names of the environment in order, and no value", () => {
  const view = viewJob(
    stored({ env_vars: '{"B":"secret","A":null}' }, { "label:a/b": "x", label: "y", "label:": "z" }),
  );
  assertEquals([view.envNames, view.labels], [["A", "B"], { "a/b": "x", "": "z" }]);
  assertEquals(JSON.stringify(view).includes("secret"), false);
});

Deno.test("viewJob shows what an attempt left only once the job has ended", () => {
  const meta = { ended_ms: "5000", ms: "1500", truncated: "1", left: "sleep", exit: "3" };
  const rest = ({ endedMs, seconds, truncated, left, exitCode }: JobView) => [
    ...[endedMs, seconds, truncated, left, exitCode],
  ];
  for (const status of ["started", "dispatched", "odd"]) {
    assertEquals(rest(viewJob(stored({ status }, meta))), [null, null, false, "", null]);
  }
  assertEquals(rest(viewJob(stored({ status: "error" }, meta))), [5000, 1.5, true, "sleep", 3]);
  // another program wrote the end: the last change is all there is
  const changed = { status: "finished", updated_at: "1970-01-01T00:00:07Z" };
  assertEquals(rest(viewJob(stored(changed))), [7000, null, false, "", 0]);
});

Deno.test("viewJob shows that a job waits for input only while the attempt that asks runs", () => {
  const meta = { input_ms: "10", input_line: "name? ", token: "2.b", done: "1.a" };
  const input = (status: string, more: Record<string, string>) =>
    viewJob(stored({ status }, { ...meta, ...more })).input;
  assertEquals(input("started", {}), { sinceMs: 10, line: "name? " });
  assertEquals(viewJob(stored({ status: "started" }, { input_ms: "10", token: "1.a" })).input, {
    sinceMs: 10,
    line: "",
  });
  for (const status of ["dispatched", "finished", "error"]) assertEquals(input(status, {}), null);
  assertEquals([input("started", { done: "2.b" }), input("started", { input_ms: "x" })], [null, null]);
});

Deno.test("viewJob prefers the runner that has the job to the one that was asked for", () => {
  assertEquals(viewJob(stored({ runner: "asked" }, { runner: "has" })).runner, "has");
  assertEquals(viewJob(stored({ runner: "asked" }, { runner: "" })).runner, "asked");
});

Deno.test("exitCodeOfJob prefers the exact code to the sentence, except for an end that the sentence alone has", () => {
  const rows: [error: string, exit: string | undefined, code: number][] = [
    ["exited with code 7", "8", 8],
    ["exited with code 7", "255", 255],
    ["exited with code 7", "256", 7],
    ["exited with code 7", "0", 7],
    ["exited with code 7", "-1", 7],
    ["exited with code 7 ", undefined, 1],
    ["killed by signal 31 (SYS)", undefined, 159],
    ["killed by signal 32", undefined, 1],
    ["killed by signal 0", undefined, 1],
    ["timed outside", undefined, 1],
    ["timed out after 1s", "1", 124],
    ["cancelled", "7", 130],
    ["lost: its host is gone", "7", 125],
    ['skipped: job "a", which must finish first, is gone', "7", 123],
    ["it was lost", "7", 7],
  ];
  for (const [error, exit, code] of rows) {
    assertEquals(exitCodeOfJob(stored({ status: "error", error }, exit === undefined ? {} : { exit })), code, error);
  }
  assertEquals(exitCodeOfJob(stored({ status: "finished", error: "cancelled" }, { exit: "7" })), 0);
  for (const status of ["", "dispatched", "started", "FINISHED"]) assertEquals(exitCodeOfJob(stored({ status })), null);
});

Deno.test("exitCodeOfJob believes no sentence of a foreign runner that no exit code has", () => {
  for (const error of ["exited with code 0", "exited with code 256", "exited with code 999"]) {
    assertEquals(exitCodeOfJob({ id: "a", fields: { status: "error", error }, meta: {} }), 1, error);
  }
});
