import { type Draft, readAt, readBackoff, readSubmission } from "../../src/client/read_submission.ts";
import { InvalidInputError } from "../../src/domain/errors.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";

const DEFAULTS: Draft = { submission: { payload: "", runner: "r", executor: "e" } };

const read = (job: unknown, defaults = DEFAULTS) => readSubmission(job, defaults);

Deno.test("readSubmission refuses what is no object", () => {
  for (const value of [null, [], "x", 7, true]) {
    const { message } = assertThrows(() => read(value), InvalidInputError);
    assertEquals(message, "Cannot read job: it is no JSON object");
  }
  assertEquals(read({}), DEFAULTS);
});

Deno.test("readSubmission refuses an unknown field and names it", () => {
  for (const key of ["paylod", "toString", "__proto__", 'a"b', "status"]) {
    const job = JSON.parse(`{"payload":"x",${JSON.stringify(key)}:1}`);
    const begin = `Cannot use key ${JSON.stringify(key)}: a job has only payload, runner, name, executor,`;
    assertThrows(() => read(job), InvalidInputError, begin);
  }
});

Deno.test("readSubmission refuses a value of the wrong kind and names its key, never the value", () => {
  const text = "it must be a text";
  const seconds = 'it must be a number of seconds or a text like "5m"';
  const rows: [key: string, values: unknown[], reason: string][] = [
    ...["payload", "runner", "name", "executor", "id", "caller_id", "context_id", "title", "cwd"].map((
      key,
    ): [string, unknown[], string] => [key, [7, null, {}, ["secret"]], text]),
    ...["after", "after_end"].flatMap((key): [string, unknown[], string][] => [
      [key, [7, null, {}], text],
      [key, [[7], ["a", null]], "it must be a text, or a list of texts"],
    ]),
    ...["timeout", "keep", "in"].map((key): [string, unknown[], string] => [key, [null, true, []], seconds]),
    ["at", [null, true], text],
    ["backoff", [null, {}], text],
    ["priority", ["urgent", "HIGH", "", null, 1], "it is high, normal or low"],
    ["retries", ["3", null], "it must be a number"],
    ...["env_vars", "labels"].flatMap((key): [string, unknown[], string][] => [
      [key, [null, "A=secret", ["secret"], 1], "it must be an object"],
      [key, [{ A: null }, { A: ["secret"] }, { A: {} }], '"A" in it must be a text, a number, true or false'],
    ]),
  ];
  for (const [key, values, reason] of rows) {
    for (const value of values) {
      const { message } = assertThrows(() => read({ [key]: value }), InvalidInputError);
      assertEquals(message, `Cannot use key "${key}": ${reason}`);
    }
  }
});

Deno.test("readSubmission refuses two keys that mean the same, and two starts", () => {
  const twice = { runner: "a", name: "a" };
  const both = 'Cannot use key "name": it means the same as "runner"; write one of them';
  assertEquals(assertThrows(() => read(twice), InvalidInputError).message, both);
  const starts = { in: 0, at: 1_800_000_000 };
  const one = 'Cannot use key "in": "at" is there too; write one of them';
  assertEquals(assertThrows(() => read(starts), InvalidInputError).message, one);
});

Deno.test("readSubmission lets a job's own start win over the start of the defaults, of either kind", () => {
  const delayed: Draft = { ...DEFAULTS, delay: 5 };
  const timed: Draft = { submission: { ...DEFAULTS.submission, notBeforeMs: 7 } };
  const rows: [Draft, job: unknown, delay: number | undefined, notBeforeMs: number | undefined][] = [
    [delayed, {}, 5, undefined],
    [delayed, { in: 0 }, 0, undefined],
    [delayed, { at: 1_800_000_000.5 }, undefined, 1_800_000_000_500],
    [timed, {}, undefined, 7],
    [timed, { in: "1m" }, 60, undefined],
    [timed, { at: "2026-01-31T18:30:00Z" }, undefined, Date.UTC(2026, 0, 31, 18, 30)],
  ];
  for (const [defaults, job, delay, notBeforeMs] of rows) {
    const draft = read(job, defaults);
    assertEquals([draft.delay, draft.submission.notBeforeMs], [delay, notBeforeMs], JSON.stringify(job));
    // what is not there has no key either: a store would write it
    assertEquals(["delay" in draft, "notBeforeMs" in draft.submission], [
      delay !== undefined,
      notBeforeMs !== undefined,
    ]);
  }
});

Deno.test("readSubmission joins environment and labels with the defaults, of which the job's own win", () => {
  const own = { env_vars: { A: 1, B: true }, labels: { x: "own" } };
  const defaults: Draft = { submission: { ...DEFAULTS.submission, env: { A: "0", C: "c" }, labels: { y: "d" } } };
  const { submission } = read(own, defaults);
  assertEquals([submission.env, submission.labels], [{ A: "1", B: "true", C: "c" }, { x: "own", y: "d" }]);
  assertEquals(defaults.submission.env, { A: "0", C: "c" });
  const proto = read(JSON.parse('{"env_vars":{"__proto__":"x"}}'), defaults).submission.env!;
  assertEquals([Object.keys(proto), Object.getPrototypeOf(proto)], [["A", "C", "__proto__"], Object.prototype]);
  assertEquals("env" in read({}).submission || "labels" in read({}).submission, false);
});

Deno.test("readBackoff reads one duration or two, and refuses three", () => {
  const rows: [string, number, number][] = [["5", 5, 5], ["2s..5m", 2, 300], ["0..0", 0, 0], ["5m..1", 300, 1]];
  for (const [text, from, to] of rows) assertEquals(readBackoff(text), { from, to });
  const { message } = assertThrows(() => readBackoff("1..2..3"), InvalidInputError);
  assertEquals(message, 'Cannot read backoff "1..2..3": write for example 2s..5m');
  for (const text of ["", "..", "1..", "..1", "-1", "1…2"]) {
    assertThrows(() => readBackoff(text), InvalidInputError, "Cannot read duration");
  }
});

Deno.test("readAt reads a time without a zone as local, and refuses what is no time", () => {
  assertEquals(readAt("2026-01-31 18:30"), new Date(2026, 0, 31, 18, 30).getTime());
  const { message } = assertThrows(() => readAt("5m"), InvalidInputError);
  const examples = "write for example 2026-01-31T18:30:00Z, or in local time 2026-01-31 18:30";
  assertEquals(message, `Cannot read time "5m": ${examples}`);
});
