import { DEFAULT_EXECUTOR, MAX_TIMEOUT, MIN_TIMEOUT } from "../../domain/limits.ts";
import type { OptionRows } from "../../settings/option_row.ts";

/** Options that describe a job, for commands that submit one, now or later. */
export const JOB_ROWS = {
  executor: {
    type: "string",
    short: "e",
    value: "EXECUTOR",
    default: DEFAULT_EXECUTOR,
    completes: "executors",
    help: "Where the job runs: tmux.SESSION, tmux.SESSION.WINDOW or tmux.SESSION.WINDOW.PANE; created when missing",
  },
  timeout: {
    type: "duration",
    short: "t",
    value: "D",
    min: MIN_TIMEOUT,
    max: MAX_TIMEOUT,
    defaultText: "the runner's",
    help: "Stop the job after this time",
  },
  env: { type: "list", value: "NAME=VALUE", help: "Environment variable of the job; may be repeated" },
  envFile: { type: "string", value: "FILE", help: "File of NAME=VALUE lines, read literally; --env overrides it" },
  cwd: {
    type: "string",
    value: "DIR",
    defaultText: "the runner's",
    help: "Working directory: an absolute path on the host of the job",
  },
  callerId: { type: "string", value: "TEXT", help: "Who submits the job, as free text" },
  contextId: { type: "string", value: "TEXT", help: "What the job belongs to, as free text" },
  title: { type: "string", value: "TEXT", help: "Title of the job, one line for people" },
  label: { type: "list", value: "NAME[=VALUE]", help: "Label of the job; may be repeated, up to 16 times" },
  priority: {
    type: "choice",
    choices: ["high", "normal", "low"],
    value: "WHICH",
    default: "normal",
    help: "high runs next, low when no other job waits",
  },
  limit: {
    type: "list",
    value: "KEY",
    completes: "limits",
    help: "Start only while fewer jobs with this key run, on all hosts, than `runner limit` sets (1); up to 4 times",
  },
  retries: { type: "integer", value: "N", min: 0, max: 1_000, help: "Number of further attempts when the job fails" },
  backoff: {
    type: "string",
    value: "D..D",
    help: "Pause between attempts: doubles from the first duration up to the second",
  },
  keep: {
    type: "duration",
    value: "D",
    defaultText: "the runner's",
    help: "How long Redis keeps the ended job; 0: for ever",
  },
  script: { type: "string", value: "FILE", help: "Run the content of this file" },
} as const satisfies OptionRows;
