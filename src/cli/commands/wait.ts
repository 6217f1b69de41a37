import { viewBatch } from "../../client/batch_view.ts";
import { memberId } from "../../domain/batch.ts";
import type { Found } from "../../client/find.ts";
import type { Filter } from "../../client/selection.ts";
import { JobNotFoundError } from "../../domain/errors.ts";
import type { JobStore } from "../../ports/job_store.ts";
import { awaitJobs } from "../await_jobs.ts";
import type { Command } from "../command.ts";
import type { Context } from "../context.ts";
import { findSelected } from "../find_selected.ts";
import { needChoice } from "../input/choice.ts";
import { findAllNamed } from "../input/find_named.ts";
import { hintAtWaiting } from "../hint_runner.ts";
import { MIN_TIMEOUT } from "../../domain/limits.ts";
import type { OptionRows } from "../../settings/option_row.ts";
import { FILTER_ROWS } from "../../settings/selection_rows.ts";

const WAIT_ROWS = {
  ...FILTER_ROWS,
  timeout: {
    type: "duration",
    short: "t",
    value: "D",
    min: MIN_TIMEOUT,
    help: "Stop waiting after this time, with exit code 75",
  },
} as const satisfies OptionRows;

async function findFitting(context: Context, store: JobStore, filter: Filter): Promise<Found[]> {
  const jobs = await findSelected({ ...context, store }, filter, "Cannot wait for jobs of runner");
  if (jobs.length === 0) throw new JobNotFoundError("Cannot wait: no job of this namespace fits");
  return jobs.map(({ id }) => ({ id, batch: null }));
}

/** `runner wait`. */
export const wait: Command<typeof WAIT_ROWS> = {
  name: "wait",
  summary: "Wait for jobs and exit with their exit code",
  usage: ["[OPTIONS] ID...", "[OPTIONS] FILTER..."],
  description: [
    "The exit code is the job's own, or for several jobs the highest one; 123 skipped, 124 timed out, 125 lost, 130 " +
    "cancelled, 75 when the limit of --timeout is reached. Standard error reports why a job failed, with the last " +
    "line of its output. Ctrl-C ends the waiting and not the job.",
    "The id of a batch stands for all its members: the exit code is the highest of them. It waits until all are " +
    "submitted and have ended.",
    "With options that filter jobs, it waits for all jobs of the namespace that match now, or those of the queue " +
    "that --name, RUNNER_NAME or the configuration names; when there is none, the exit code is 4.",
  ],
  examples: [
    { command: "runner wait @", does: "wait for the newest job" },
    { command: "runner wait 3f2a 77b1 --timeout 10m", does: "wait for two jobs, at most ten minutes" },
    { command: "runner wait --label nightly --since 1d", does: "wait for the nightly jobs of the last day" },
  ],
  rows: WAIT_ROWS,
  needs: [{ net: true }],
  positionals: { min: 0, max: Infinity, what: "ids of jobs, or options that filter jobs", completes: "jobs" },
  async run(context) {
    const choice = needChoice(context, "wait");
    const store = await context.store();
    const found: readonly Found[] = "ids" in choice
      ? await findAllNamed(context, choice.ids)
      : await findFitting(context, store, choice.filterAt(await store.time()));
    const ids = found.map(({ id }) => id);
    const { terminal, compose, settings, color } = context;
    // of a batch the last member waits longest
    const last = found.map(({ id, batch }) => batch ? memberId(id, viewBatch(batch).stored) : id);
    await hintAtWaiting(context, store, last);
    return await awaitJobs({ terminal, compose, color, json: settings.json }, store, ids, { limit: settings.timeout });
  },
};
