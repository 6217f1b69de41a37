import { readDependencies } from "../../client/dependencies.ts";
import { explainJob } from "../../client/explain.ts";
import type { Found } from "../../client/find.ts";
import { viewJob } from "../../client/job_view.ts";
import type { JobQuery } from "../../client/list_jobs.ts";
import { type Overview, readOverview } from "../../client/overview.ts";
import { InvalidInputError, JobNotFoundError } from "../../domain/errors.ts";
import { EXIT } from "../../domain/exit_codes.ts";
import { isFinal } from "../../domain/lifecycle.ts";
import type { Place } from "../../ports/executor.ts";
import { PREFIX_AMONG } from "../../domain/limits.ts";
import { SORT_KEYS } from "../../domain/sort_keys.ts";
import { FILTER_ROWS } from "../../settings/selection_rows.ts";
import type { JobStore } from "../../ports/job_store.ts";
import type { ClientStore } from "../../ports/schedules.ts";
import { findAllNamed } from "../input/find_named.ts";
import type { Command } from "../command.ts";
import type { Context } from "../context.ts";
import { type JobDetail, showDetail } from "../view/job_detail.ts";
import { jobDetailJson } from "../view/job_json.ts";
import type { OptionRows } from "../../settings/option_row.ts";
import { checkRunnerName } from "../pause_queue.ts";
import { overviewJson, type Shown, showOverview } from "../view/show_overview.ts";
import { refuseFilters } from "../input/choice.ts";
import { readQuery, readShown, tabulated } from "../input/status_query.ts";
import { toJson } from "../view/text.ts";
import { ShortIds } from "../input/short_ids.ts";
import { COLUMN_NAMES, DEFAULT_COLUMNS } from "../view/column_names.ts";
import { timeFor } from "../view/times.ts";
import { type View, watch } from "../view/watch.ts";

/** Options of `runner status`; its `-n` counts jobs, as in `tail`. */
export const STATUS_ROWS = {
  count: {
    type: "integer",
    short: "n",
    value: "N",
    min: 0,
    max: 10_000,
    default: 10,
    help: "Number of recent jobs in the overview",
  },
  ...FILTER_ROWS,
  runner: { ...FILTER_ROWS.runner, help: "Only this runner, its queue and its jobs" },
  among: {
    type: "integer",
    value: "N",
    min: 1,
    default: 10_000,
    help: "How many of the newest jobs are scanned to filter and to sort",
  },
  sort: { type: "choice", value: "KEY", choices: SORT_KEYS, default: "created", help: "Order of the jobs" },
  columns: {
    type: "string",
    value: "NAMES",
    defaultText: DEFAULT_COLUMNS.join(","),
    help:
      `Columns of the job list, separated by commas: ${COLUMN_NAMES.join(", ")}; of the members of a batch: index, ` +
      "id, status, outcome, exit, took, try, error, result, and its variables",
  },
  csv: { type: "flag", help: "Write the members of a batch as comma-separated values" },
  watch: { type: "flag", short: "w", help: "Update the output whenever something happens, until Ctrl-C" },
} as const satisfies OptionRows;
/** Most jobs that wait for one of which the details are shown. */
const SHOWN = 20;

type StatusContext = Context<typeof STATUS_ROWS>;

async function readDetail(store: ClientStore, id: string, context: StatusContext): Promise<JobDetail> {
  const stored = await store.read(id);
  if (!stored) throw new JobNotFoundError(`Cannot show job ${JSON.stringify(id)}: it has just left Redis`);
  const [{ why, owner }, nowMs, dependencies] = await Promise.all([
    explainJob(store, stored, {
      serialKeyOf: (executor) => placeOf(executor, context)?.serialKey ?? null,
      time: context.settings.json ? undefined : timeFor(context.terminal),
    }),
    store.time(),
    readDependencies(store, stored, SHOWN),
  ]);
  const job = viewJob(stored);
  return {
    job,
    why,
    nowMs,
    host: owner?.host ?? null,
    dependencies,
    attach: owner ? context.compose.attachLine(owner.access, job.executor) : null,
  };
}

/** Parses an executor string; returns `null` for one of a foreign client that no executor accepts. */
function placeOf(executor: string, { compose }: StatusContext): Place | null {
  try {
    return compose.checkExecutor(executor);
  } catch {
    return null;
  }
}

/** Reports how many jobs a filtered list does not show. */
async function sayHidden({ jobs, complete, counts }: Overview, { terminal, settings }: StatusContext): Promise<void> {
  if (counts === null || (settings.json && complete)) return;
  const { scanned, fitting, isAll } = counts;
  const hidden = fitting - jobs.length;
  const rest = hidden > 0 ? `; ${hidden} of them are not shown, -n ${fitting} shows them` : "";
  const older = complete ? "" : "; --among N scans more";
  const all = isAll ? "" : "the newest ";
  await terminal.say(`runner: ${fitting} of ${all}${scanned} jobs fit${rest}${older}\n`);
}

/** Returns the current overview. */
async function viewOverview(
  context: StatusContext,
  store: JobStore,
  { queryAt, ...shown }: Shown & { readonly queryAt: (nowMs: number) => JobQuery },
): Promise<View> {
  const { terminal, settings, color } = context;
  const overview = await readOverview(store, queryAt(await store.time()));
  const { instances, queues, jobs } = overview;
  if (settings.runner !== undefined && instances.length + queues.length + jobs.length === 0) {
    await checkRunnerName(store, settings.runner, "Cannot show runner");
  }
  if (!settings.watch) await sayHidden(overview, context);
  const text = settings.json
    ? `${toJson(overviewJson(overview))}\n`
    : showOverview(overview, { room: terminal.columns(), color }, shown);
  return { text, over: false };
}

/** Returns the current details of some jobs and batches; they are over when all have ended. */
async function viewDetails(context: StatusContext, store: ClientStore, found: readonly Found[]): Promise<View> {
  const { terminal, settings, color } = context;
  const texts: string[] = [];
  let over = true;
  for (const { id, batch } of found) {
    if (batch !== null) {
      const { viewBatchDetail } = await import("../view_batch.ts");
      const view = await viewBatchDetail(context, store, id);
      texts.push(view.text);
      over &&= view.over;
      continue;
    }
    const detail = await readDetail(store, id, context);
    over &&= isFinal(detail.job.status);
    texts.push(
      settings.json
        ? `${toJson(jobDetailJson(detail.job, detail))}\n`
        : showDetail(detail, { room: terminal.columns(), color, time: timeFor(terminal) }),
    );
  }
  return { text: texts.join(settings.json ? "" : "\n"), over };
}

/** `runner status`. */
export const status: Command<typeof STATUS_ROWS> = {
  name: "status",
  summary: "Show runners, queues and recent jobs, or everything about some jobs",
  usage: ["[OPTIONS]", "[OPTIONS] ID...", "[--columns NAMES] [--csv|--json] BATCH"],
  description: [
    "ID is the id of a job, its first letters (also with the ellipsis of this list), @ for the newest job, or @~2 " +
    "for the one two before that. @ counts the jobs of the queue that --name, RUNNER_NAME or the configuration " +
    "names, else of the namespace. For a job that has not ended, it shows why the job waits and how to attach to its " +
    "terminal; for any, the jobs for which it waits, and those that wait for it, with their states.",
    "Of a batch it shows how many of its members are in which state, how long it probably still takes, and members " +
    "that did not succeed. With --columns or --csv it lists all members with the variables of --array, --param and " +
    "--each; those of --env are never shown.",
    "Jobs that wait for input come first, however old they are. On a terminal ids are short and times are local. A " +
    "column with the same value for every job moves behind the text, or is left out when there is no room. A pipe " +
    "gets full ids, all columns and UTC; JSON has the status words of Redis.",
    "With options that filter jobs, only jobs are shown, and a job must match all of them. Running jobs are always " +
    "found; of the others, only the newest are scanned. Standard error reports how many match, and how many of these " +
    "are not shown.",
    "Ids in a queue without a runnable job become dead letters. The overview shows those of the last hour, with " +
    "--json those of the last day.",
    "With --watch the output is updated whenever something happens; for named jobs, until they have ended.",
  ],
  examples: [
    { command: "runner status", does: "show runners, queues and recent jobs" },
    { command: "runner status @", does: "show everything about the newest job" },
    {
      command: "runner status --state error --since 1d --columns id,error,text",
      does: "list what failed since yesterday",
    },
    {
      command: "runner status grid --csv --columns index,lr,seed,exit,took,result",
      does: "write the results of a batch as CSV",
    },
    { command: "runner status -n 100 --json", does: "list the last hundred jobs as JSON" },
  ],
  rows: STATUS_ROWS,
  needs: [{ net: true }],
  positionals: { min: 0, max: Infinity, what: "ids of jobs", completes: "jobs" },
  async run(context) {
    const { terminal, settings, positionals } = context;
    const isNamed = positionals.length > 0;
    if (isNamed) refuseFilters(settings);
    if (!isNamed && settings.csv) throw new InvalidInputError("Cannot use --csv without the id of a batch");
    const query = isNamed ? null : { ...readShown(context), queryAt: readQuery(context) };
    const store = await context.store();
    const found = await findAllNamed(context, positionals);
    const batch = isNamed ? tabulated(found, settings) : null;
    if (batch) {
      const { showMembers } = await import("../batch_table.ts");
      return await showMembers(context, store, batch);
    }
    // read only once: a job that arrives while this is watched is newer, and those are on the list
    const isShort = found.length === 0 && terminal.isTerminal.output && !settings.json;
    const ids = isShort ? new ShortIds(await store.newest(PREFIX_AMONG)) : null;
    const view = () =>
      query === null ? viewDetails(context, store, found) : viewOverview(context, store, { ...query, ids });
    if (settings.watch) return await watch(context, store, view);
    await terminal.write((await view()).text);
    return EXIT.ok;
  },
};
