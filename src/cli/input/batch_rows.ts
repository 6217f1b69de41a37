import { MAX_LIMIT } from "../../domain/limits.ts";
import type { OptionRows } from "../../settings/option_row.ts";

/** Options of `runner submit` that make a batch, or are about one. */
export const BATCH_ROWS = {
  array: {
    type: "string",
    value: "1-N",
    help: "Submit a batch, a member for each number, which it has in RUNNER_INDEX; 1-9,20 are ranges and numbers",
  },
  param: {
    type: "list",
    value: "NAME=A,B,...",
    help:
      "Submit a batch, a member for each value of this variable; may be repeated: for all combinations. 1..5: a range",
  },
  each: {
    type: "string",
    value: "FILE",
    help: "Submit a batch, a member for each line, which it has in RUNNER_LINE; - reads standard input",
  },
  csv: { type: "flag", help: "With --each: the first line names variables, the others have their values" },
  atMost: {
    type: "integer",
    value: "N",
    min: 1,
    max: MAX_LIMIT,
    help: "Of a batch: run at most N members at the same time, on all hosts together",
  },
  stopAfter: {
    type: "integer",
    value: "N",
    min: 1,
    help: "Of a batch: when N members have failed, those that have not started end as skipped",
  },
} as const satisfies OptionRows;
