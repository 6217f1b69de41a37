import { viewJob } from "../../client/job_view.ts";
import { EXIT } from "../../domain/exit_codes.ts";
import type { JobStore, StoredJob } from "../../ports/job_store.ts";
import type { ClientStore } from "../../ports/schedules.ts";
import { joinBroken } from "../input/args.ts";
import { type Candidate, findCandidates, type Search } from "../input/candidates.ts";
import type { Command } from "../command.ts";
import type { Compose } from "../../compose/contract.ts";
import { readConfigFile } from "../../settings/config_file.ts";
import type { Completed, OptionRow } from "../../settings/option_row.ts";
import { GLOBAL_ROWS, SETTING_ROWS } from "../../settings/options.ts";
import { resolveSettings } from "../../settings/settings.ts";
import { stateOf } from "../view/job_columns.ts";
import { firstLine, fit, printable } from "../view/text.ts";

/** Time limit, seconds: a person waits at the keyboard. */
const LIMIT = 0.5;
/** Maximum number of jobs, the newest ones, that are read. */
const MAX_JOBS = 100;
/** Width of the description of a job, columns. */
const WIDTH = 50;
/** Words that need no quotes in any shell. */
const PLAIN = /^[A-Za-z0-9_.][A-Za-z0-9_.-]*$/;

async function newestJobs(store: JobStore): Promise<StoredJob[]> {
  const jobs = await store.summaries(await store.newest(MAX_JOBS));
  return jobs.filter((job) => job !== null);
}

function toCandidate(job: StoredJob): Candidate {
  const view = viewJob(job);
  const { id, title, payload } = view;
  return { word: id, help: printable(fit(`${stateOf(view)} ${title || firstLine(payload)}`, WIDTH)) };
}

/** Returns the batches to which jobs belong, each once. */
function batchesOf(jobs: readonly StoredJob[]): Candidate[] {
  const views = jobs.map(viewJob).filter(({ batch }) => batch !== null);
  return [...new Map(views.map((job) => [job.batch!, job])).values()].map(({ batch, title, payload }) => ({
    word: batch!,
    help: printable(fit(`batch ${title || firstLine(payload)}`, WIDTH)),
  }));
}

const SEARCHES: Readonly<Record<Completed, (store: ClientStore) => Promise<readonly Candidate[]>>> = {
  jobs: async (store) => {
    const jobs = await newestJobs(store);
    return [...batchesOf(jobs), ...jobs.map(toCandidate)];
  },
  batches: async (store) => batchesOf(await newestJobs(store)),
  runners: async (store) => (await store.queues()).map(({ runner }) => ({ word: runner })),
  schedules: async (store) =>
    (await store.schedules.read()).schedules.map(({ name, cron }) => ({
      word: name,
      help: printable(fit(cron, WIDTH)),
    })),
  limits: async (store) =>
    (await store.limits.read()).limits.filter(({ isSet, key }) => isSet || !key.includes(":"))
      .map(({ key, n }) => ({ word: key, help: `${n}` })),
  executors: async (store) =>
    [...new Set((await newestJobs(store)).map((job) => viewJob(job).executor))].map((word) => ({ word })),
};

/** Returns a search in the Redis that the command line, the environment or the configuration file names. */
function searchIn(compose: Compose): Search {
  return async (kind, typed) => {
    try {
      const { environment } = compose;
      const file = await readConfigFile(environment, SETTING_ROWS);
      const { redisUrl, namespace } = resolveSettings(GLOBAL_ROWS, { typed, environment, file }).values;
      const store = await compose.openStore({ redisUrl, namespace, redisTimeoutSeconds: LIMIT });
      try {
        return (await SEARCHES[kind](store)).filter(({ word }) => PLAIN.test(word));
      } finally {
        store.close();
      }
    } catch {
      // an error message is of no use while a word is completed
      return [];
    }
  };
}

/** `runner complete`, which the completion scripts call. */
export const complete: Command<Readonly<Record<never, OptionRow>>> = {
  name: "complete",
  summary: "Find words for the completion scripts",
  usage: ["SHELL -- WORD..."],
  description: [
    "The words are the command line so far; the last one is completed. One line of output is a word and, behind a " +
    "tab, what it is; :files and :folders are for the shell to complete.",
  ],
  examples: [{ command: "runner complete fish -- -s production logs ''", does: "list the newest jobs of a namespace" }],
  rows: {},
  needs: [{ net: true }],
  bare: true,
  positionals: { min: 1, max: 1, what: "the name of a shell" },
  acceptsRest: true,
  async run({ compose, terminal, positionals: [shell], rest }) {
    const words = shell === "bash" ? joinBroken(rest ?? []) : rest ?? [];
    const found = await findCandidates(words, searchIn(compose));
    const lines = typeof found === "string"
      ? [`:${found}`]
      : shell === "bash"
      ? found.map(({ word }) => word).filter((word) => word.startsWith(words.at(-1) ?? ""))
      : found.map(({ word, help, hasValue }) =>
        `${word}${hasValue && shell === "zsh" ? "=" : ""}${help === undefined ? "" : `\t${help}`}`
      );
    await terminal.write(lines.map((line) => `${line}\n`).join(""));
    return EXIT.ok;
  },
};
