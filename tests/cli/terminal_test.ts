import type { RequestReply } from "../../src/ports/requests.ts";
import { assertEquals, assertStringIncludes } from "../support/assert.ts";
import { anInstance } from "./fake_store.ts";
import { CommandFixture, type CommandOptions } from "./command_fixture.ts";

/** A fixture in which the job `run-1` runs on the host `alpha`, which is ours. */
function fixtureWithJob(options: CommandOptions = {}): CommandFixture {
  const fixture = new CommandFixture(options);
  fixture.redis.instanceList = [anInstance()];
  fixture.redis.put("run-1", { status: "started", payload: "true" }, { token: "1.n", instance: "inst-1" });
  fixture.places.set("run-1 1.n", "$1 @2 %3");
  return fixture;
}

/** Texts that a runner was asked to type. */
function typed({ redis }: CommandFixture): string[] {
  return redis.asked.map(([, request]) =>
    request.type === "type" ? new TextDecoder().decode(request.bytes) + (request.enter ? "<Enter>" : "") : "?"
  );
}

Deno.test("send types its texts with blanks between them, exactly as they are", async () => {
  const cases: [args: string[], input: string, want: string][] = [
    [["run-1", "yes"], "", "yes"],
    [["run-1", "yes", "--enter"], "", "yes<Enter>"],
    [["-e", "run-1"], "", "<Enter>"],
    [["run-1", "one", "two  three"], "", "one two  three"],
    [["run-1", "$(id) `id` #{x} \\n 'q'"], "", "$(id) `id` #{x} \\n 'q'"],
    [["run-1", "--", "--enter", "-"], "", "--enter -"],
    [["run-1", "-"], "secret\n", "secret\n"],
    [["run-1", "-", "-e"], "secret", "secret<Enter>"],
    [["run-1", "--", "-"], "not read", "-"],
    [["run-1", "a", "-"], "not read", "a -"],
  ];
  for (const [args, input, want] of cases) {
    const fixture = fixtureWithJob({ input });
    assertEquals([await fixture.run("send", ...args), typed(fixture)], [0, [want]], fixture.stderr);
    assertEquals([fixture.stdout, fixture.stderr.includes("secret")], ["", false]);
  }
  const fixture = fixtureWithJob();
  assertEquals(await fixture.run("send", "@", "x", "--json"), 0);
  assertEquals(JSON.parse(fixture.stdout), { id: "run-1", result: "typed", bytes: 1 });
});

Deno.test("send refuses nothing and too much, and asks no runner", async () => {
  for (const args of [["run-1"], ["run-1", ""], ["run-1", "-"], ["run-1", "é".repeat(32_769)]]) {
    const fixture = fixtureWithJob({ input: "" });
    assertEquals([await fixture.run("send", ...args), typed(fixture)], [2, []]);
    assertStringIncludes(fixture.stderr, "runner: Cannot type: there ");
  }
});

Deno.test("screen shows lines without anything that a terminal would obey", async () => {
  const screen = {
    lines: ["top", "", " \u202eright"],
    cursor: { column: 1, row: 2 },
    columns: 80,
    rows: 24,
    title: "vi",
  };
  const fixture = fixtureWithJob();
  fixture.redis.answer = { type: "screen", screen };
  assertEquals([await fixture.run("screen", "run-1"), fixture.stdout], [0, "top\n\n \\u202eright\n"]);
  const json = fixtureWithJob();
  json.redis.answer = { type: "screen", screen };
  await json.run("screen", "run-1", "--json");
  assertEquals(JSON.parse(json.stdout), { id: "run-1", ...screen });
});

Deno.test("every answer that is none becomes a sentence with what to do, and exit code 1", async () => {
  const cases: [answer: RequestReply, want: string][] = [
    [{ type: "gone" }, "it has no terminal now: it ends, or waits for its turn; see runner status run-1"],
    [{ type: "over" }, "its attempt is over; ask again"],
    [{ type: "full" }, "too many requests wait for its runner already; try again"],
    [{ type: "failed", why: "tmux is away" }, "its runner cannot reach the terminal: tmux is away; try again"],
    [{ type: "silent", ms: 61_000 }, "its runner on alpha is gone or stopped for 1m1s; the job may go on there"],
    [{ type: "unanswered", taken: false }, "did not answer within 3s; nothing was done; see runner status run-1"],
    [{ type: "unanswered", taken: true }, "did not answer within 3s; whether it was done is not known; see runner"],
  ];
  for (const [answer, want] of cases) {
    for (const args of [["send", "run-1", "x"], ["screen", "run-1"]]) {
      const fixture = fixtureWithJob();
      fixture.redis.answer = answer;
      assertEquals([await fixture.run(...args), fixture.stdout], [1, ""]);
      assertStringIncludes(fixture.stderr, want);
    }
  }
});

Deno.test("jobs that do not run are not asked for", async () => {
  for (
    const [status, want] of [
      ["finished", "it has ended with status finished; its output: runner logs other"],
      ["error", "it has ended with status error; its output: runner logs other"],
      ["dispatched", "it has not started yet; why it waits: runner status other"],
      ["started", "no runner of ours has started it; see runner status other"],
    ]
  ) {
    for (const args of [["send", "other", "x"], ["screen", "other"], ["attach", "other"]]) {
      const fixture = fixtureWithJob({ columns: 80 });
      fixture.redis.put("other", { status });
      assertEquals([await fixture.run(...args), fixture.stdout, fixture.redis.asked], [1, "", []]);
      assertStringIncludes(fixture.stderr, want);
    }
  }
});

Deno.test("attach says how to leave, then shows the job's own place", async () => {
  for (const write of [false, true]) {
    const fixture = fixtureWithJob({ columns: 80 });
    assertEquals(await fixture.run("attach", "run-1", ...write ? ["--write"] : []), 0);
    const how = write ? "keys reach the job" : "read-only";
    assertEquals(fixture.stderr, `job run-1: ${how}; leave with Ctrl-b d, and the job goes on\n`);
    assertEquals([fixture.stdout, fixture.viewed], ["", [["$1 @2 %3", { write, host: null }]]]);
    assertEquals(fixture.redis.asked, []);
  }
});

Deno.test("attach shows a kept terminal, and says so when there is none", async () => {
  const fixture = fixtureWithJob({ columns: 80 });
  fixture.redis.change("run-1", { status: "error" });
  assertEquals([await fixture.run("attach", "run-1"), fixture.viewed.length], [0, 1]);
  fixture.places.clear();
  assertEquals([await fixture.run("attach", "run-1"), fixture.viewed.length], [1, 1]);
  assertStringIncludes(fixture.stderr, "it has ended with status error; its output: runner logs run-1");
});

Deno.test("attach to a job of another host says the command, and --ssh goes there", async () => {
  const far = () => {
    const fixture = fixtureWithJob({ columns: 80 });
    fixture.redis.instanceList = [anInstance({ host: "far" })];
    fixture.redis.answer = { type: "place", place: "$7 @8 %9" };
    return fixture;
  };
  const reported = far();
  assertEquals([await reported.run("attach", "run-1"), reported.viewed], [1, []]);
  const says = 'it runs on host "far"; write runner attach --ssh run-1, or ssh far see $7 @8 %9\n';
  assertStringIncludes(reported.stderr, says);
  const gone = far();
  assertEquals(await gone.run("attach", "--ssh", "run-1"), 0);
  assertEquals(gone.viewed, [["$7 @8 %9", { write: false, host: "far" }]]);
  gone.redis.change("run-1", { status: "finished" });
  assertEquals(await gone.run("attach", "--ssh", "run-1"), 1);
  assertStringIncludes(gone.stderr, 'when its terminal was kept, attach on host "far"');
});

Deno.test("attach without a terminal says what to use in its place", async () => {
  const fixture = fixtureWithJob();
  assertEquals([await fixture.run("attach", "run-1"), fixture.viewed, fixture.opened], [1, [], []]);
  assertStringIncludes(fixture.stderr, "are not a terminal; use runner logs -f ID, or runner screen ID");
});

Deno.test("status shows which job waits for input, with its last line, only while it runs", async () => {
  const asks = { input_ms: String(Date.UTC(2026, 0, 31, 11, 59, 0)), input_line: "Password:" };
  const fixture = fixtureWithJob();
  fixture.redis.change("run-1", {}, asks);
  await fixture.run("status");
  assertStringIncludes(fixture.stdout, "waiting for input");
  assertStringIncludes(fixture.stdout, "true ▸ Password:");
  const json = fixtureWithJob();
  json.redis.change("run-1", {}, asks);
  await json.run("status", "--json", "run-1");
  const { status, now, waiting_for_input } = JSON.parse(json.stdout);
  assertEquals([status, now], ["started", "waiting for input on alpha; answer it: runner send run-1 TEXT --enter"]);
  assertEquals(waiting_for_input, { since: "2026-01-31T11:59:00.000Z", line: "Password:" });
  const over = fixtureWithJob();
  over.redis.change("run-1", { status: "error" }, asks);
  await over.run("status", "--json", "run-1");
  assertEquals(JSON.parse(over.stdout).waiting_for_input, null);
});
