import { retryDescendants, withDescendants } from "../../client/cascade.ts";
import { type Retried, type RetriedOne, retryJob, retryJobs } from "../../client/retry.ts";
import { memberIds, viewBatch } from "../../client/batch_view.ts";
import { retryBatch } from "../../client/retry_batch.ts";
import { InvalidInputError } from "../../domain/errors.ts";
import { EXIT } from "../../domain/exit_codes.ts";
import type { StoredBatch } from "../../ports/batches.ts";
import type { JobStore } from "../../ports/job_store.ts";
import { stateWord } from "../../domain/state_words.ts";
import { pasteWord } from "../../domain/shell_words.ts";
import type { OptionRows } from "../../settings/option_row.ts";
import { CHANGE_ROWS } from "../../settings/selection_rows.ts";
import type { Presented } from "../change_selected.ts";
import type { Command } from "../command.ts";
import type { Context } from "../context.ts";
import { needChoice, refuseCascade } from "../input/choice.ts";
import { findAloud } from "../input/find_aloud.ts";
import { printable, toJson } from "../view/text.ts";

/** Returns what prevents a new attempt, and what to do about it. */
function hindrance(id: string, retried: Exclude<Retried, { readonly result: "queued" | "waits" }>): string {
  if (retried.result === "not_ended") {
    return `it has not ended, it is ${
      printable(stateWord(retried.status))
    }; wait for its end, or stop it first: runner cancel ${pasteWord(id, "ID")}`;
  }
  const after = JSON.stringify(retried.after);
  return retried.state === "missing"
    ? `job ${after}, for which it waited, no longer exists; submit it again without that`
    : `job ${after}, which must have finished first, has ended with error; retry that one first: runner retry ${
      pasteWord(retried.after, "ID")
    }`;
}

/** Options of `runner retry`. */
const RETRY_ROWS = {
  cascade: { type: "flag", help: "Run also the jobs again that were skipped because of them" },
  ...CHANGE_ROWS,
} as const satisfies OptionRows;

/** Reports what became of a job; returns whether it runs again. */
async function report(
  { terminal, settings }: Context<typeof RETRY_ROWS>,
  id: string,
  retried: Retried,
): Promise<boolean> {
  if (settings.json) await terminal.write(`${toJson({ id, ...retried })}\n`);
  if (retried.result === "queued" || retried.result === "waits") {
    const when = retried.result === "queued" ? "" : `, when ${listed(retried.after)}`;
    if (!settings.json) await terminal.say(`job ${printable(id)}: queued for a new attempt${when}\n`);
    return true;
  }
  await terminal.say(`runner: Cannot retry job ${JSON.stringify(id)}: ${hindrance(id, retried)}\n`);
  return false;
}

function listed([first, ...more]: readonly string[]): string {
  return more.length === 0
    ? `job ${printable(first)} is over`
    : `job ${printable(first)} and ${more.length} more are over`;
}

const PRESENTED: Presented<RetriedOne> = {
  verb: "retry",
  question: (jobs) => `Run ${jobs} again`,
  progress: "jobs queued",
  changes: { ended: true, otherwise: "have not ended" },
  done: { queued: "queued for a new attempt", waits: "to be queued when other jobs are over" },
  kept: {
    not_ended: "have been queued meanwhile",
    blocked: "wait for a job that has failed or is gone",
    no_payload: "have no payload any more, as Redis had lost them",
    no_runner: "name no runner",
  },
  failures: ["blocked", "no_payload", "no_runner", "unfit"],
  apply: retryJobs,
};

/** Lists the members of a batch that would run again. */
async function listFailed(context: Context<typeof RETRY_ROWS>, store: JobStore, batch: StoredBatch): Promise<void> {
  const { listByIds } = await import("../view/job_list.ts");
  for (const ids of memberIds(viewBatch(batch))) {
    const jobs = await store.summaries(ids);
    await listByIds(context, store, jobs.flatMap((job) => job?.fields.status === "error" ? [job.id] : []));
  }
}

/** Runs the members of a batch again that have failed, and reports how many. */
async function retryMembers(
  context: Context<typeof RETRY_ROWS>,
  store: JobStore,
  batch: StoredBatch,
): Promise<number> {
  const { terminal, settings } = context;
  const { Progress } = await import("../view/progress.ts");
  const progress = new Progress(context, "members read");
  const tally = await retryBatch(store, batch, (done, of) => progress.update(done, of)).finally(() => progress.end());
  const queued = tally.of("queued", "waits");
  const others = tally.of("blocked", "no_payload", "no_runner", "unfit");
  if (settings.json) await terminal.write(`${toJson({ id: batch.id, queued, unchanged: others })}\n`);
  else await terminal.say(`batch ${printable(batch.id)}: ${queued} queued for a new attempt\n`);
  if (others === 0) return EXIT.ok;
  await terminal.say(
    `runner: Cannot retry ${others} members of batch ${JSON.stringify(batch.id)}: retry one by its id\n`,
  );
  return EXIT.failed;
}

async function retryNamed(context: Context<typeof RETRY_ROWS>, texts: readonly string[]): Promise<number> {
  const { settings } = context;
  const redis = await context.store();
  const found = await findAloud(context, texts);
  const ids = found.filter(({ batch }) => batch === null).map(({ id }) => id);
  const batches = found.flatMap(({ batch }) => batch ?? []);
  if (settings.cascade && batches.length > 0) {
    throw new InvalidInputError("Cannot use --cascade with a batch: name the jobs that were skipped because of it");
  }
  if (settings.dryRun) {
    const { listByIds } = await import("../view/job_list.ts");
    await listByIds(context, redis, settings.cascade ? await withDescendants(redis, ids, "skipped") : ids);
    for (const batch of batches) await listFailed(context, redis, batch);
    return EXIT.ok;
  }
  let code: number = EXIT.ok;
  for (const batch of batches) code = Math.max(code, await retryMembers(context, redis, batch));
  const open = [...ids];
  const again: string[] = [];
  /** Number of jobs in a row that were postponed. */
  let putOff = 0;
  for (let id = open.shift(); id !== undefined; id = open.shift()) {
    const retried = await retryJob(redis, id);
    // the job that it waits for is named too, and goes first
    if (retried.result === "blocked" && open.includes(retried.after) && putOff++ < open.length) {
      open.push(id);
      continue;
    }
    putOff = 0;
    if (retried.result !== "blocked") again.push(id);
    if (!await report(context, id, retried)) code = EXIT.failed;
  }
  if (settings.cascade) {
    await retryDescendants(redis, again, async (id, retried) => {
      if (!await report(context, id, retried)) code = EXIT.failed;
    });
  }
  return code;
}

/** `runner retry`. */
export const retry: Command<typeof RETRY_ROWS> = {
  name: "retry",
  summary: "Run ended jobs again, each as a new attempt of the same job",
  usage: ["[OPTIONS] ID...", "[OPTIONS] FILTER..."],
  description: [
    "The job keeps its id and goes back into its queue; its result, error and output are cleared. Only a job that " +
    "has ended can be run again. Other jobs are reported, and the exit code is 1.",
    "The id of a batch stands for its members that ended with error: failed, timed out, cancelled, lost or skipped.",
    "A job with --after or --after-end waits again for those of these jobs that have not finished or ended, and a " +
    "job with --at until its time. If one of these jobs has failed, retry it first. With --cascade the jobs that " +
    "were skipped because of it follow; one that another failed job blocks is skipped again.",
    "With options that filter jobs, all jobs of the namespace that match and have ended are run again, or those of " +
    "the queue that --name, RUNNER_NAME or the configuration names; a job follows those that it waits for. On a " +
    "terminal it asks first; elsewhere it needs --yes. Standard error reports how many were queued, how many were " +
    "not, and why; the exit code is 1 when one of them cannot be run again.",
  ],
  examples: [
    { command: "runner retry @", does: "run the newest job again" },
    { command: "runner retry 3f2a 77b1", does: "run two jobs again, by the first letters of their ids" },
    { command: "runner retry --cascade 3f2a", does: "run a failed job again, and all that was skipped because of it" },
    { command: "runner retry --outcome failed --since 1d", does: "run again what failed since yesterday" },
  ],
  rows: RETRY_ROWS,
  needs: [{ net: true }],
  positionals: { min: 0, max: Infinity, what: "ids of jobs, or options that filter jobs", completes: "jobs" },
  async run(context) {
    const choice = needChoice(context, "retry");
    if ("ids" in choice) return await retryNamed(context, choice.ids);
    refuseCascade(context.settings.cascade);
    const { changeSelected } = await import("../change_selected.ts");
    return await changeSelected(context, choice.filterAt, PRESENTED);
  },
};
