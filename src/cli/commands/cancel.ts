import { cancelCascade, withDescendants } from "../../client/cascade.ts";
import { cancelBatch, cancelJob, cancelJobs, type Cancelled } from "../../client/cancel.ts";
import { memberIds, viewBatch } from "../../client/batch_view.ts";
import { InvalidInputError } from "../../domain/errors.ts";
import { EXIT } from "../../domain/exit_codes.ts";
import type { OptionRows } from "../../settings/option_row.ts";
import { CHANGE_ROWS } from "../../settings/selection_rows.ts";
import type { Presented } from "../change_selected.ts";
import type { Command } from "../command.ts";
import type { Context } from "../context.ts";
import { needChoice, refuseCascade } from "../input/choice.ts";
import { findAloud } from "../input/find_aloud.ts";
import { printable, toJson } from "../view/text.ts";

/** Options of `runner cancel`. */
const CANCEL_ROWS = {
  reason: { type: "string", value: "TEXT", default: "", help: "Reason, which goes into the job's error field" },
  cascade: { type: "flag", help: "Cancel also everything that waits for them, in any way" },
  ...CHANGE_ROWS,
} as const satisfies OptionRows;

const SAYS: Readonly<Record<Cancelled, string>> = {
  cancelled: "cancelled before it started",
  requested: "its runner stops it now, or as soon as it is back",
  ended: "had ended already; nothing was changed",
};

function presentedFor(reason: string): Presented<Cancelled> {
  return {
    verb: "cancel",
    question: (jobs) => `Cancel ${jobs}`,
    progress: "jobs cancelled",
    changes: { ended: false, otherwise: "had ended already" },
    done: {
      cancelled: "cancelled before they started",
      requested: "stopped by their runners, now or as soon as these are back",
    },
    kept: { ended: "had ended meanwhile" },
    failures: ["unfit"],
    apply: (store, jobs, options) => cancelJobs(store, jobs, { ...options, reason }),
  };
}

async function cancelNamed(context: Context<typeof CANCEL_ROWS>, texts: readonly string[]): Promise<number> {
  const { terminal, settings } = context;
  const redis = await context.store();
  // all ids are resolved first: a wrong one among them changes nothing
  const found = await findAloud(context, texts);
  const ids = found.filter(({ batch }) => batch === null).map(({ id }) => id);
  const batches = found.flatMap(({ batch }) => batch ?? []);
  if (settings.cascade && batches.length > 0) {
    throw new InvalidInputError("Cannot use --cascade with a batch: name the jobs that wait for it");
  }
  if (settings.dryRun) {
    const { listByIds } = await import("../view/job_list.ts");
    await listByIds(context, redis, settings.cascade ? await withDescendants(redis, ids, "waiting") : ids);
    for (const batch of batches) for (const page of memberIds(viewBatch(batch))) await listByIds(context, redis, page);
    return EXIT.ok;
  }
  const onEnd = async (id: string, became: Cancelled) => {
    if (settings.json) await terminal.write(`${toJson({ id, result: became })}\n`);
    else await terminal.say(`job ${printable(id)}: ${SAYS[became]}\n`);
  };
  for (const { id } of batches) {
    const stopped = await cancelBatch(redis, id, settings.reason);
    const became = stopped ? "its members that wait are cancelled, those that run are stopped" : SAYS.ended;
    if (settings.json) await terminal.write(`${toJson({ id, result: stopped ? "requested" : "ended" })}\n`);
    else await terminal.say(`batch ${printable(id)}: ${became}\n`);
  }
  if (settings.cascade) await cancelCascade(redis, ids, { reason: settings.reason, onEnd });
  else for (const id of ids) await onEnd(id, await cancelJob(redis, id, settings.reason));
  return EXIT.ok;
}

/** `runner cancel`. */
export const cancel: Command<typeof CANCEL_ROWS> = {
  name: "cancel",
  summary: "Stop jobs, whatever their state",
  usage: ["[OPTIONS] ID...", "[OPTIONS] FILTER..."],
  description: [
    "A waiting job ends at once. A running job gets TERM and then KILL, with everything it started. When its runner " +
    "is down, the next runner on its host stops it. For anything but a full id, such as @, the matching job is " +
    "reported first.",
    "The id of a batch stands for all its members, and for those that are still to be submitted.",
    "Jobs that wait with --after for a cancelled one end as skipped; those with --after-end start. With --cascade " +
    "both are cancelled, and what waits for them, the last ones first.",
    "With options that filter jobs, all jobs of the namespace that match and have not ended are cancelled, or those " +
    "of the queue that --name, RUNNER_NAME or the configuration names. On a terminal it asks first; elsewhere it " +
    "needs --yes. A job that starts meanwhile is left alone when --state queued selected it. Standard error reports " +
    "how many were cancelled, how many were not, and why.",
  ],
  examples: [
    { command: "runner cancel @", does: "stop the newest job" },
    {
      command: "runner cancel 3f2a 77b1 --reason 'wrong branch'",
      does: "stop two jobs, by the first letters of their ids",
    },
    { command: "runner cancel --state queued --label nightly", does: "cancel the nightly jobs that have not started" },
  ],
  rows: CANCEL_ROWS,
  needs: [{ net: true }],
  positionals: { min: 0, max: Infinity, what: "ids of jobs, or options that filter jobs", completes: "jobs" },
  async run(context) {
    const choice = needChoice(context, "cancel");
    if ("ids" in choice) return await cancelNamed(context, choice.ids);
    refuseCascade(context.settings.cascade);
    const { changeSelected } = await import("../change_selected.ts");
    return await changeSelected(context, choice.filterAt, presentedFor(context.settings.reason));
  },
};
