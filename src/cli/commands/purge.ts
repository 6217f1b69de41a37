import { memberIds, viewBatch } from "../../client/batch_view.ts";
import { purgeBatch, type Purged, purgeJobs, purgeNamed } from "../../client/purge.ts";
import type { Filter } from "../../client/selection.ts";
import { formatDuration } from "../../domain/duration.ts";
import { InvalidInputError } from "../../domain/errors.ts";
import { EXIT } from "../../domain/exit_codes.ts";
import { isFinal } from "../../domain/lifecycle.ts";
import { stateWord, statusOf } from "../../domain/state_words.ts";
import type { JobStore, PurgeReply } from "../../ports/job_store.ts";
import type { OptionRows } from "../../settings/option_row.ts";
import { CHANGE_ROWS } from "../../settings/selection_rows.ts";
import { ask, checkCanAsk } from "../ask.ts";
import { scopeOf } from "../change_selected.ts";
import type { Command } from "../command.ts";
import type { Context } from "../context.ts";
import { readChoice, readFilter } from "../input/choice.ts";
import { findAloud } from "../input/find_aloud.ts";
import { listByIds } from "../view/job_list.ts";
import { Progress } from "../view/progress.ts";
import { printable, toJson } from "../view/text.ts";

/** Options of `runner purge`. */
const PURGE_ROWS = {
  olderThan: { type: "duration", value: "D", default: 0, help: "Only jobs that ended longer ago than this" },
  ...CHANGE_ROWS,
} as const satisfies OptionRows;

type PurgeContext = Context<typeof PURGE_ROWS>;

/** Describes in words what would be deleted. */
function words({ settings }: PurgeContext, filter: Filter, count: number): string {
  const { state, olderThan } = settings;
  const [only] = state;
  const which = state.length !== 1 ? "ended" : only === "skipped" ? only : stateWord(statusOf(only));
  const age = olderThan === 0 ? "" : ` that ended more than ${formatDuration(olderThan)} ago`;
  return printable(`${count} ${which} job${count === 1 ? "" : "s"}${age}${scopeOf(filter, settings)}`);
}

function checkStates(states: readonly string[]): void {
  const live = states.find((state) => !isFinal(statusOf(state)));
  if (live === undefined) return;
  throw new InvalidInputError(
    `Cannot purge jobs in state ${live}: only ended jobs are deleted; write --state finished or --state failed`,
  );
}

/** Purges, or counts and with `list` lists what would be deleted. */
async function goThrough(
  context: PurgeContext,
  { store, filter, endedBeforeMs }: {
    readonly store: JobStore;
    readonly filter: Filter;
    readonly endedBeforeMs: number;
  },
  mode: "delete" | "count" | "list",
): Promise<Purged> {
  const progress = new Progress(context, "jobs scanned");
  try {
    return await purgeJobs(store, {
      filter,
      endedBeforeMs,
      countOnly: mode !== "delete",
      onScanned: ({ scanned, total }) => progress.update(scanned, total),
      onFound: async (ids) => {
        if (mode !== "list" || ids.length === 0) return;
        await progress.hide();
        await listByIds(context, store, ids);
      },
    });
  } finally {
    await progress.end();
  }
}

/** Reports ended jobs that were not deleted, and why. */
async function sayKept({ terminal }: PurgeContext, { running, awaited }: Purged): Promise<void> {
  const reasons = [
    ...(running > 0 ? [`${running} still run`] : []),
    ...(awaited > 0 ? [`${awaited} are awaited by other jobs`] : []),
  ];
  if (reasons.length > 0) await terminal.say(`unchanged: ${reasons.join(", ")}\n`);
}

async function purgeFitting(context: PurgeContext, filterAt: (nowMs: number) => Filter): Promise<number> {
  const { terminal, settings } = context;
  checkCanAsk(context, settings.yes || settings.dryRun, "purge");
  const store = await context.store();
  const nowMs = await store.time();
  const filter = filterAt(nowMs);
  const scan = { store, filter, endedBeforeMs: nowMs - Math.round(settings.olderThan * 1000) };
  if (settings.dryRun) {
    const { deleted } = await goThrough(context, scan, "list");
    await terminal.say(`would delete ${words(context, filter, deleted)}\n`);
    return EXIT.ok;
  }
  if (!settings.yes) {
    const { deleted } = await goThrough(context, scan, "count");
    if (deleted > 0 && !await ask(context, `Delete ${words(context, filter, deleted)}`)) {
      await terminal.say("runner: nothing was deleted\n");
      return EXIT.ok;
    }
  }
  const purged = await goThrough(context, scan, "delete");
  if (settings.json) await terminal.write(`${toJson(purged)}\n`);
  else {
    await terminal.say(`deleted ${words(context, filter, purged.deleted)}\n`);
    await sayKept(context, purged);
  }
  return EXIT.ok;
}

const SAYS: Readonly<Record<PurgeReply, string>> = {
  deleted: "deleted",
  running: "not deleted: an attempt of it still runs",
  awaited: "not deleted: another job waits for its end",
  other: "not deleted: it has not ended, or not as long ago as --older-than says",
  missing: "has just left Redis",
};

const BATCH_SAYS: typeof SAYS = {
  ...SAYS,
  running: "are deleted, the others not: an attempt of one still runs",
  other: "not deleted: a member has not ended, or not as long ago as --older-than says",
};

async function deleteNamed(context: PurgeContext, texts: readonly string[]): Promise<number> {
  const { terminal, settings } = context;
  const store = await context.store();
  const found = await findAloud(context, texts);
  const ids = found.filter(({ batch }) => batch === null).map(({ id }) => id);
  const batches = found.flatMap(({ batch }) => batch ?? []);
  if (settings.dryRun) {
    await listByIds(context, store, ids);
    for (const batch of batches) for (const page of memberIds(viewBatch(batch))) await listByIds(context, store, page);
    return EXIT.ok;
  }
  const endedBeforeMs = await store.time() - Math.round(settings.olderThan * 1000);
  const replies = [...await purgeNamed(store, ids, endedBeforeMs)];
  for (const batch of batches) {
    const { reply, deleted } = await purgeBatch(store, batch, endedBeforeMs);
    if (settings.json) await terminal.write(`${toJson({ id: batch.id, result: reply, deleted })}\n`);
    else {await terminal.say(
        `batch ${printable(batch.id)}: ${deleted > 0 ? `${deleted} members ` : ""}${BATCH_SAYS[reply]}\n`,
      );}
    replies.push(reply);
  }
  for (const [i, id] of ids.entries()) {
    if (settings.json) await terminal.write(`${toJson({ id, result: replies[i] })}\n`);
    else await terminal.say(`job ${printable(id)}: ${SAYS[replies[i]]}\n`);
  }
  return replies.every((reply) => reply === "deleted" || reply === "missing") ? EXIT.ok : EXIT.failed;
}

/** `runner purge`. */
export const purge: Command<typeof PURGE_ROWS> = {
  name: "purge",
  summary: "Delete ended jobs from Redis",
  usage: ["[OPTIONS] [FILTER...]", "[OPTIONS] ID..."],
  description: [
    "Deletes jobs whose status is finished or error, with their results, output and metadata. A job that waits or " +
    "runs is never deleted, nor one for which another job still waits. On a terminal it asks first; elsewhere it " +
    "needs --yes. Named jobs are deleted without a question; the exit code is 1 when one of them is not. " +
    "The id of a batch stands for all its members, when all of them have ended.",
    "If a runner is named (--runner, --name, RUNNER_NAME, configuration), only its jobs are deleted, else those of " +
    "the whole namespace.",
    "Redis also deletes ended jobs by itself after a time: see --keep of `runner submit` and `runner run`.",
  ],
  examples: [
    { command: "runner purge --older-than 2d --dry-run", does: "list the jobs that ended more than two days ago" },
    { command: "runner purge --state finished --yes", does: "delete all finished jobs without asking" },
  ],
  rows: PURGE_ROWS,
  needs: [{ net: true }],
  positionals: { min: 0, max: Infinity, what: "ids of jobs, or options that filter jobs", completes: "jobs" },
  async run(context) {
    checkStates(context.settings.state);
    const choice = readChoice(context);
    if (choice !== null && "ids" in choice) return await deleteNamed(context, choice.ids);
    return await purgeFitting(context, readFilter(context));
  },
};
