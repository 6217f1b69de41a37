import { readJobs } from "../../src/client/read_jobs.ts";
import type { Draft } from "../../src/client/read_submission.ts";
import { InvalidInputError } from "../../src/domain/errors.ts";
import { assertEquals, assertRejects } from "../support/assert.ts";

const DEFAULTS: Draft = { submission: { payload: "", runner: "r", executor: "e" } };
const MAX_LINE = 16 << 20;

async function* pieces(...parts: (string | Uint8Array)[]) {
  for (const part of parts) {
    await Promise.resolve();
    yield typeof part === "string" ? new TextEncoder().encode(part) : part;
  }
}

/** Payloads of the jobs that were read, and lines that were not. */
async function read(parts: (string | Uint8Array)[], check: (draft: Draft) => void = () => {}) {
  const { drafts, bad } = await readJobs(pieces(...parts), DEFAULTS, { check });
  return { payloads: drafts.map(({ submission }) => submission.payload), bad };
}

const job = (payload: string, more: Record<string, string> = {}) => JSON.stringify({ payload, ...more });

Deno.test("readJobs reads the same jobs however the bytes are cut", async () => {
  const bytes = new TextEncoder().encode(`${job("ä😀")}\n\n${job("b")}`);
  for (let size = 1; size <= bytes.length; size++) {
    const parts: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += size) parts.push(bytes.subarray(at, at + size));
    assertEquals(await read(parts), { payloads: ["ä😀", "b"], bad: [] });
  }
});

Deno.test("readJobs reads a file with no jobs", async () => {
  for (const parts of [[], [""], ["\n"], ["\n\n \t\r\n"], ["", "\n", ""]]) {
    assertEquals(await read(parts), { payloads: [], bad: [] });
  }
});

Deno.test("readJobs counts empty and bad lines, and reads the jobs between them", async () => {
  const latin = new Uint8Array([0x22, 0xe4, 0x22, 10]);
  const parts = ["\n", `${job("a")}\n`, latin, "[]\n", job("b")];
  assertEquals(await read(parts), {
    payloads: ["a", "b"],
    bad: [
      { line: 3, reason: "Cannot read job: it is not UTF-8" },
      { line: 4, reason: "Cannot read job: it is no JSON object" },
    ],
  });
});

Deno.test("readJobs refuses a line that is too long before it decodes it", async () => {
  const line = new Uint8Array(MAX_LINE + 1).fill(0xff);
  const { payloads, bad } = await read([line, `\n${job("a")}`]);
  const reason = "Cannot read job: its line has 16777217 bytes, more than 16777216";
  assertEquals([payloads, bad], [["a"], [{ line: 1, reason }]]);
  const most = new Uint8Array(MAX_LINE).fill(0x20);
  most.set(new TextEncoder().encode(job("b")));
  assertEquals(await read([most]), { payloads: ["b"], bad: [] });
});

Deno.test("readJobs puts a job that the check refuses among the bad lines, and throws all other errors", async () => {
  const refuse = (error: Error) => ({ submission }: Draft) => {
    if (submission.payload === "b") throw error;
  };
  const parts = [`${job("a")}\n${job("b")}\n${job("c")}`];
  const { payloads, bad } = await read(parts, refuse(new InvalidInputError("Cannot submit job: no")));
  assertEquals([payloads, bad], [["a", "c"], [{ line: 2, reason: "Cannot submit job: no" }]]);
  await assertRejects(() => read(parts, refuse(new TypeError("fault"))), TypeError, "fault");
});

Deno.test("readJobs puts jobs first for which others wait, and leaves the order of all others", async () => {
  const lines = [
    job("late", { id: "1", after: "2" }),
    job("first", { id: "2" }),
    job("second", { id: "3", after: "2" }),
    job("elsewhere", { after: "in Redis" }),
    "broken",
    job("again", { id: "2", after: "3" }),
  ];
  const { payloads, bad } = await read([lines.join("\n")]);
  assertEquals(payloads, ["first", "late", "second", "elsewhere", "again"]);
  assertEquals(bad, [{ line: 5, reason: "Cannot read job: it is no JSON" }]);
});
