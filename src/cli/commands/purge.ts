import { purgeJobs } from "../../client/purge.ts";
import { formatDuration } from "../../domain/duration.ts";
import { InvalidInputError } from "../../domain/errors.ts";
import { EXIT } from "../../domain/exit_codes.ts";
import { stateWord } from "../../domain/state_words.ts";
import type { JobStore } from "../../ports/job_store.ts";
import type { Command } from "../command.ts";
import type { Context } from "../context.ts";
import { queueOf } from "../input/find_named.ts";
import type { OptionRows } from "../../settings/option_row.ts";
import { Progress } from "../view/progress.ts";
import { printable, toJson } from "../view/text.ts";

/** Options of `runner purge`. */
const PURGE_ROWS = {
  olderThan: { type: "duration", value: "D", default: 0, help: "Only jobs that ended longer ago than this" },
  state: {
    type: "choice",
    choices: ["finished", "failed", "error"],
    value: "STATE",
    defaultText: "both",
    help: "Only jobs that ended in this state",
  },
  yes: { type: "flag", short: "y", help: "Delete without asking" },
  dryRun: { type: "flag", help: "Only print how many jobs would be deleted" },
} as const satisfies OptionRows;

type PurgeContext = Context<typeof PURGE_ROWS>;

/** Describes in words what would be deleted. */
function words(context: PurgeContext, count: number): string {
  const { state, olderThan, namespace } = context.settings;
  const { queue } = queueOf(context);
  const which = state === undefined ? "ended" : stateWord(state);
  const age = olderThan === 0 ? "" : ` that ended more than ${formatDuration(olderThan)} ago`;
  return `${count} ${which} job${count === 1 ? "" : "s"}${age}${queue === undefined ? "" : ` of runner ${queue}`}${
    namespace === "" ? "" : ` in namespace ${namespace}`
  }`;
}

function stateOf({ settings: { state } }: PurgeContext): "finished" | "error" | undefined {
  return state === "failed" ? "error" : state;
}

async function goThrough(context: PurgeContext, store: JobStore, countOnly: boolean): Promise<number> {
  const { olderThan } = context.settings;
  const state = stateOf(context);
  const endedBeforeMs = await store.time() - Math.round(olderThan * 1000);
  const progress = new Progress(context, "jobs scanned");
  try {
    return await purgeJobs(
      store,
      { state, ...queueOf(context), endedBeforeMs, countOnly },
      ({ scanned, total }) => Promise.resolve(progress.update(scanned, total)),
    );
  } finally {
    await progress.end();
  }
}

/** Reads the first line of input. */
async function readLine(context: PurgeContext): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of context.terminal.input()) {
    text += decoder.decode(bytes, { stream: true });
    if (text.includes("\n")) break;
  }
  return text.split("\n", 1)[0].trim();
}

async function run(context: PurgeContext): Promise<number> {
  const { terminal, settings } = context;
  const canAsk = terminal.isTerminal.input && terminal.isTerminal.errors;
  if (!settings.yes && !settings.dryRun && !canAsk) {
    throw new InvalidInputError(
      "Cannot purge: there is no terminal for the question; write --yes to delete without it",
    );
  }
  const store = await context.store();
  if (settings.dryRun) {
    const count = await goThrough(context, store, true);
    if (settings.json) await terminal.write(`${toJson({ would_delete: count })}\n`);
    else await terminal.say(`would delete ${printable(words(context, count))}\n`);
    return EXIT.ok;
  }
  if (!settings.yes) {
    const count = await goThrough(context, store, true);
    if (count > 0) {
      await terminal.say(`Delete ${printable(words(context, count))}? [y/N] `);
      if (!/^y(es)?$/i.test(await readLine(context))) {
        await terminal.say("runner: nothing was deleted\n");
        return EXIT.ok;
      }
    }
  }
  const deleted = await goThrough(context, store, false);
  if (settings.json) await terminal.write(`${toJson({ deleted })}\n`);
  else await terminal.say(`deleted ${printable(words(context, deleted))}\n`);
  return EXIT.ok;
}

/** `runner purge`. */
export const purge: Command<typeof PURGE_ROWS> = {
  name: "purge",
  summary: "Delete ended jobs from Redis",
  usage: ["[OPTIONS]"],
  description: [
    "Deletes jobs whose status is finished or error, with their results, output and metadata. A job that waits or " +
    "runs is never deleted, nor one for which another job still waits. On a terminal it asks first; elsewhere it " +
    "needs --yes.",
    "If a runner is named (--name, RUNNER_NAME, configuration), only its jobs are deleted, else those of the whole " +
    "namespace.",
    "Redis also deletes ended jobs by itself after a time: see --keep of `runner submit` and `runner run`.",
  ],
  examples: [
    { command: "runner purge --older-than 2d --dry-run", does: "count the jobs that ended more than two days ago" },
    { command: "runner purge --state finished --yes", does: "delete all finished jobs without asking" },
  ],
  rows: PURGE_ROWS,
  needs: [{ net: true }],
  positionals: { min: 0, max: 0, what: "no arguments" },
  run,
};
