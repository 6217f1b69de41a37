import { type Line, orderJobs } from "../../src/client/order_jobs.ts";
import type { Submission } from "../../src/domain/submission.ts";
import { assert, assertEquals } from "../support/assert.ts";

/** Lines `a b>a c>a,b`: each is an id, and the ids for which it waits. */
function linesOf(text: string): Line[] {
  return text.split(" ").map((word, i) => {
    const [id, after] = word.split(">");
    const submission: Submission = { payload: id, runner: "r", executor: "e", id };
    return { line: i + 1, draft: { submission: after ? { ...submission, after: after.split(",") } : submission } };
  });
}

async function order(text: string, existing?: string[]): Promise<[order: string, bad: string[]]> {
  const known = existing && (() => Promise.resolve(new Set(existing)));
  const { drafts, bad } = await orderJobs(linesOf(text), known);
  return [
    drafts.map(({ submission }) => submission.payload).join(" "),
    bad.toSorted((a, b) => a.line - b.line).map(({ line, reason }) => `${line}: ${reason}`),
  ];
}

Deno.test("orderJobs puts each job behind those for which it waits, and changes nothing else", async () => {
  const rows = [
    ["a b c", "a b c"],
    ["a b>a c>a,b", "a b c"],
    ["c>a,b x b>a a y", "a b c x y"],
    ["d>b,c b>a c>a a", "a b c d"],
    ["a>elsewhere b", "a b"],
  ];
  for (const [text, expected] of rows) assertEquals(await order(text), [expected, []], text);
});

Deno.test("orderJobs orders a chain that is longer than the call stack is deep", async () => {
  const count = 100_000;
  const text = Array.from({ length: count }, (_, i) => i + 1 < count ? `j${i}>j${i + 1}` : `j${i}`).join(" ");
  const { drafts } = await orderJobs(linesOf(text));
  assertEquals([drafts.length, drafts[0].submission.id, drafts.at(-1)?.submission.id], [count, "j99999", "j0"]);
});

Deno.test("orderJobs refuses jobs that wait for each other, and all that wait for these", async () => {
  const [ordered, bad] = await order("x a>c b>a c>b after>c y");
  assertEquals(ordered, "x y");
  assertEquals(bad.map((reason) => reason[0]), ["2", "3", "4", "5"]);
  assert(bad.some((reason) => reason.endsWith("it waits for this job")), bad.join());
});

Deno.test("orderJobs refuses a job that waits for one that does not exist, and all that wait for it", async () => {
  assertEquals(await order("a>there b>gone c>b d", ["there"]), ["a d", [
    '2: Cannot wait for job "gone": it does not exist, nor is it in this file',
    '3: Cannot wait for job "b": line 2 is not valid',
  ]]);
});
