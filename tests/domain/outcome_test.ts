import { assertEquals } from "../support/assert.ts";
import { exitCodeOf, type Outcome, sentenceOf, stateOf } from "../../src/domain/outcome.ts";

Deno.test("an outcome decides state, sentence and exit code", () => {
  const cases: [Outcome, string, string, number][] = [
    [{ kind: "exited", code: 0 }, "finished", "", 0],
    [{ kind: "exited", code: 3 }, "error", "exited with code 3", 3],
    [{ kind: "exited", code: 126, why: "no folder" }, "error", "exited with code 126: no folder", 126],
    [{ kind: "exited", code: 137 }, "error", "killed by signal 9 (KILL)", 137],
    [{ kind: "exited", code: 143 }, "error", "killed by signal 15 (TERM)", 143],
    [{ kind: "exited", code: 128 }, "error", "exited with code 128", 128],
    [{ kind: "exited", code: 255 }, "error", "exited with code 255", 255],
    [{ kind: "timed_out", seconds: 30 }, "error", "timed out after 30 s", 124],
    [{ kind: "timed_out", seconds: 0.5 }, "error", "timed out after 500ms", 124],
    [{ kind: "cancelled", reason: "wrong branch" }, "error", "cancelled: wrong branch", 130],
    [{ kind: "cancelled", reason: "" }, "error", "cancelled", 130],
    [{ kind: "lost", why: "the pane was killed" }, "error", "lost: the pane was killed", 125],
    [{ kind: "failed", why: "Cannot run job: why" }, "error", "Cannot run job: why", 1],
  ];
  for (const [outcome, state, sentence, code] of cases) {
    assertEquals([stateOf(outcome), sentenceOf(outcome), exitCodeOf(outcome)], [state, sentence, code]);
  }
});
