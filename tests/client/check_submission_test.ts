import { checkSubmission } from "../../src/client/check_submission.ts";
import type { Draft } from "../../src/client/read_submission.ts";
import { InvalidInputError } from "../../src/domain/errors.ts";
import { MAX_AFTER, MAX_RUN_PAYLOAD, MAX_SUBMIT_PAYLOAD, MAX_TIMEOUT } from "../../src/domain/limits.ts";
import type { Submission } from "../../src/domain/submission.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";

const MAX_TIME = 3e14;

function check(submission: Partial<Submission>, more: Partial<Draft> = {}, checkExecutor = (_: string) => {}): void {
  checkSubmission({ submission: { payload: "x", runner: "r", executor: "e", ...submission }, ...more }, checkExecutor);
}

function refusal(submission: Partial<Submission>, more?: Partial<Draft>): string {
  return assertThrows(() => check(submission, more), InvalidInputError).message;
}

Deno.test("checkSubmission accepts the largest and the smallest value of each kind", () => {
  const rows: Partial<Submission>[] = [
    {},
    { payload: "ä".repeat(MAX_SUBMIT_PAYLOAD / 2) },
    { timeout: MAX_TIMEOUT },
    { timeout: Number.MIN_VALUE },
    { retries: 0, keep: 0, backoff: { from: 0, to: 0 } },
    { retries: Number.MAX_SAFE_INTEGER, keep: Number.MAX_SAFE_INTEGER },
    { notBeforeMs: MAX_TIME - 1 },
    { notBeforeMs: 1 - MAX_TIME },
    { labels: Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`l${i}`, ""])) },
    { labels: { ["a".repeat(100)]: "", "0_A.b/c-d": "any text" } },
    { env: { _A1: "", B: "x=y\n" } },
    { env: { A: "v".repeat(MAX_RUN_PAYLOAD - 1) } },
    { cwd: "/", id: "7", after: "8" },
  ];
  for (const row of rows) check(row);
  check({}, { delay: 0 });
  check({}, { delay: MAX_TIME / 1000 });
});

Deno.test("checkSubmission refuses the first value beyond each limit and names the limit", () => {
  const rows: [Partial<Submission>, string][] = [
    [{ payload: "" }, "its payload is empty; write shell text"],
    [
      { payload: `${"ä".repeat(MAX_SUBMIT_PAYLOAD / 2)}x` },
      "its payload has 1048577 bytes, more than 1048576; put the rest into a file on the host",
    ],
    [{ timeout: 0 }, "its timeout in seconds must be more than 0"],
    [{ timeout: NaN }, "its timeout in seconds must be more than 0"],
    [{ timeout: MAX_TIMEOUT + 1 }, "its timeout in seconds must be 2592000 or less"],
    [{ retries: -1 }, "retries must be 0 or more"],
    [{ retries: 0.5 }, "retries must be 0 or more"],
    [{ keep: -1 }, "keep in seconds must be 0 or more"],
    [{ keep: Infinity }, "keep in seconds must be 9007199254740991 or less"],
    [{ backoff: { from: -1, to: 5 } }, "backoff in seconds must be 0 or more"],
    [{ backoff: { from: 5, to: 4 } }, "backoff ends below its begin"],
    [{ notBeforeMs: MAX_TIME }, "its start must be a time before the year 11000"],
    [{ notBeforeMs: NaN }, "its start must be a time before the year 11000"],
    [{ env: { A: "v".repeat(MAX_RUN_PAYLOAD) } }, "its environment has 16777217 characters, more than 16777216"],
    [{ id: "7", after: "7" }, "after names the job itself"],
    [{ id: "7", after: ["6"], afterEnd: ["5", "7"] }, "after names the job itself"],
    [
      { after: Array.from({ length: MAX_AFTER + 1 }, (_, i) => String(i)) },
      "after names 257 jobs, more than 256; let some wait for the others",
    ],
    [{ cwd: "" }, 'its working directory must begin with "/", because it is on the host that runs it'],
    [{ cwd: "/a\0" }, "its working directory holds a NUL character"],
  ];
  for (const [row, reason] of rows) assertEquals(refusal(row), `Cannot submit job: ${reason}`);
  const long = "a".repeat(101);
  for (const name of ["", long, "-a", "a b", "ä"]) {
    const what = "is no name: it has up to 100 letters, digits, _, ., / and -";
    assertEquals(refusal({ labels: { [name]: "" } }), `Cannot submit job: label ${JSON.stringify(name)} ${what}`);
  }
  const labels = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`l${i}`, ""]));
  assertEquals(refusal({ labels: labels(17) }), "Cannot submit job: it has 17 labels, more than 16");
  assertEquals(refusal({}, { delay: -1 }), "Cannot submit job: its delay in seconds must be 0 or more");
  const tooLate = "Cannot submit job: its delay in seconds must be 300000000000 or less";
  assertEquals(refusal({}, { delay: MAX_TIME / 1000 + 1 }), tooLate);
});

Deno.test("checkSubmission counts the bytes of all texts and labels together, to half of what a runner accepts", () => {
  const most = 1 << 19;
  const own = JSON.stringify({ runner: "r", executor: "e", title: "", callerId: "" }).length;
  const texts = (bytes: number) => ({ title: "t".repeat(bytes - 100 - own), callerId: "ü".repeat(50) });
  check(texts(most));
  const reason = `its texts and labels have ${most + 1} bytes together, more than ${most}`;
  assertEquals(refusal(texts(most + 1)), `Cannot submit job: ${reason}`);
});

Deno.test("checkSubmission refuses NUL and halves of surrogate pairs in every text, and quotes none", () => {
  const secret = "hunter2";
  const rows: [(text: string) => Partial<Submission>, string][] = [
    [(payload) => ({ payload }), "its payload"],
    [(title) => ({ title }), "its title"],
    [(callerId) => ({ callerId }), "its callerId"],
    [(contextId) => ({ contextId }), "its contextId"],
    [(value) => ({ labels: { team: value } }), 'label "team"'],
  ];
  for (const [make, thing] of rows) {
    assertEquals(refusal(make(`${secret}\0`)), `Cannot submit job: ${thing} holds a NUL character`);
    assertEquals(refusal(make(`${secret}\ud800`)), `Cannot submit job: ${thing} is no valid Unicode text`);
    check(make(`${secret}\ud83d\ude00`));
  }
  const broken = 'Cannot submit job: environment variable "TOKEN" is no valid Unicode text';
  assertEquals(refusal({ env: { TOKEN: `${secret}\udc00` } }), broken);
  assertEquals(refusal({ env: { TOKEN: `${secret}\0` } }).includes(secret), false);
});

Deno.test("checkSubmission leaves the executor to its parser, and passes on what that throws", () => {
  const seen: string[] = [];
  check({ executor: "ssh.x" }, {}, (target) => void seen.push(target));
  assertEquals(seen, ["ssh.x"]);
  const fail = () =>
    check({}, {}, () => {
      throw new InvalidInputError("Cannot use executor: none is there");
    });
  assertThrows(fail, InvalidInputError, "Cannot use executor: none is there");
});

Deno.test("checkSubmission refuses a backoff without an end", () => {
  for (const to of [NaN, Infinity, -1]) {
    assertThrows(() => check({ backoff: { from: 1, to } }), InvalidInputError, "backoff");
  }
});
