import { conditionsOf, dependenciesOf, metaNumber, metaOf } from "../../src/domain/job_meta.ts";
import type { Submission } from "../../src/domain/submission.ts";
import { assertEquals } from "../support/assert.ts";

const MINIMAL: Submission = { payload: "true", runner: "r", executor: "tmux.main" };

Deno.test("metaNumber reads a number from 0", () => {
  const cases: [string, number][] = [["0", 0], ["1", 1], ["0.5", 0.5], ["1e3", 1000], ["604800", 604_800]];
  for (const [text, number] of cases) assertEquals(metaNumber(text, 5), number, text);
});

Deno.test("metaNumber gives the fallback when there is no number from 0", () => {
  for (const text of [undefined, "", "-1", "-0.001", "NaN", "Infinity", "-Infinity", "1e999", "5m", "1,5", "x"]) {
    assertEquals(metaNumber(text, 5), 5, text);
    assertEquals(metaNumber(text, 0), 0, text);
  }
});

Deno.test("metaOf is empty when a submission asks for nothing special", () => {
  const submissions: Submission[] = [
    MINIMAL,
    { ...MINIMAL, id: "7", callerId: "me", contextId: "c", timeout: 5, env: { A: "secret" }, notBeforeMs: 1 },
    { ...MINIMAL, priority: "normal", title: "", cwd: "", after: [], labels: {} },
  ];
  for (const submission of submissions) assertEquals(metaOf(submission), {});
});

Deno.test("metaOf writes as text what a submission asks for", () => {
  const submission: Submission = {
    ...MINIMAL,
    retries: 2,
    backoff: { from: 0.5, to: 300 },
    keep: 60,
    cwd: "/srv",
    title: "nightly",
    priority: "high",
    labels: { team: "a", empty: "" },
  };
  assertEquals(metaOf(submission), {
    retry_max: "2",
    backoff_from: "0.5",
    backoff_to: "300",
    keep: "60",
    cwd: "/srv",
    title: "nightly",
    priority: "high",
    "label:team": "a",
    "label:empty": "",
  });
});

Deno.test("metaOf keeps a zero and the priority low", () => {
  assertEquals(metaOf({ ...MINIMAL, retries: 0, backoff: { from: 0, to: 0 }, keep: 0, priority: "low" }), {
    retry_max: "0",
    backoff_from: "0",
    backoff_to: "0",
    keep: "0",
    priority: "low",
  });
});

Deno.test("metaOf keeps labels apart from its own fields", () => {
  assertEquals(metaOf({ ...MINIMAL, keep: 60, labels: { keep: "x" } }), { keep: "60", "label:keep": "x" });
});

Deno.test("metaNumber gives the fallback for what is no decimal number", () => {
  for (const text of [" ", "0x10", "1_000", "+1", "-1", "1e", "Infinity"]) assertEquals(metaNumber(text, 5), 5, text);
  assertEquals([metaNumber("1e-7", 5), metaNumber("2.5", 5)], [1e-7, 2.5]);
});

Deno.test("conditionsOf has each job once, and to have finished is more than to have ended", () => {
  assertEquals(conditionsOf(MINIMAL), {});
  assertEquals(conditionsOf({ ...MINIMAL, after: "a" }), { "after:a": "finished" });
  assertEquals(conditionsOf({ ...MINIMAL, after: ["a", "b", "a"], afterEnd: ["b", "c"] }), {
    "after:a": "finished",
    "after:b": "finished",
    "after:c": "ended",
  });
});

Deno.test("dependenciesOf reads what conditionsOf writes, and what has been met, for any id", () => {
  const odd = "x:\ny";
  assertEquals(
    dependenciesOf({ ...conditionsOf({ ...MINIMAL, after: odd }), "met:b": "ended", title: "t", met: "1" }),
    [
      { id: odd, condition: "finished", met: false },
      { id: "b", condition: "ended", met: true },
    ],
  );
});
