import { awaitJobs } from "../await_jobs.ts";
import { findNamed } from "../input/find_named.ts";
import type { Command } from "../command.ts";
import { hintAtWaiting } from "../hint_runner.ts";
import type { OptionRows } from "../../settings/option_row.ts";
import { MIN_TIMEOUT } from "../../domain/limits.ts";

const WAIT_ROWS = {
  timeout: {
    type: "duration",
    short: "t",
    value: "D",
    min: MIN_TIMEOUT,
    help: "Stop waiting after this time, with exit code 75",
  },
} as const satisfies OptionRows;

/** `runner wait`. */
export const wait: Command<typeof WAIT_ROWS> = {
  name: "wait",
  summary: "Wait for jobs and exit with their exit code",
  usage: ["[OPTIONS] ID..."],
  description: [
    "The exit code is the job's own, or for several jobs the highest one; 123 skipped, 124 timed out, 125 lost, 130 cancelled, 75 " +
    "when the limit of --timeout is reached. Standard error reports why a job failed, with the last line of its " +
    "output. Ctrl-C ends the waiting and not the job.",
  ],
  examples: [
    { command: "runner wait @", does: "wait for the newest job" },
    { command: "runner wait 3f2a 77b1 --timeout 10m", does: "wait for two jobs, at most ten minutes" },
  ],
  rows: WAIT_ROWS,
  needs: [{ net: true }],
  positionals: { min: 1, max: Infinity, what: "ids of jobs", completes: "jobs" },
  async run(context) {
    const store = await context.store();
    const ids = await findNamed(context, context.positionals);
    const { terminal, compose, settings, color } = context;
    await hintAtWaiting(context, store, ids);
    return await awaitJobs({ terminal, compose, color, json: settings.json }, store, ids, { limit: settings.timeout });
  },
};
