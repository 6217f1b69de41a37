import { viewJob } from "../../client/job_view.ts";
import { InvalidInputError } from "../../domain/errors.ts";
import { EXIT } from "../../domain/exit_codes.ts";
import type { JobStore, StoredJob } from "../../ports/job_store.ts";
import { valuesAmong } from "../input/args.ts";
import type { Command } from "../command.ts";
import type { Completed, OptionRow } from "../../settings/option_row.ts";
import { GLOBAL_ROWS } from "../../settings/options.ts";
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

function describe(job: StoredJob): string {
  const view = viewJob(job);
  const { id, title, payload } = view;
  return `${id}\t${printable(fit(`${stateOf(view)} ${title || firstLine(payload)}`, WIDTH))}`;
}

/** Finders of words by kind; a word may be followed by a tab and its description. */
const FINDERS: Readonly<Record<Completed, (store: JobStore) => Promise<readonly string[]>>> = {
  jobs: async (store) => (await newestJobs(store)).map(describe),
  runners: async (store) => (await store.queues()).map(({ runner }) => runner),
  executors: async (store) => [...new Set((await newestJobs(store)).map((job) => viewJob(job).executor))],
};

function isCompleted(kind: string): kind is Completed {
  return Object.hasOwn(FINDERS, kind);
}

/** `runner complete`, which the completion scripts call. Whatever goes wrong, it just offers nothing. */
export const complete: Command<Readonly<Record<never, OptionRow>>> = {
  name: "complete",
  summary: "Find words for the completion scripts",
  usage: ["KIND -- WORD..."],
  description: ["KIND is jobs, runners or executors; the words are the command line so far."],
  examples: [{ command: "runner complete jobs -- logs -s production", does: "list the newest jobs of a namespace" }],
  rows: {},
  needs: [{ net: true }],
  positionals: { min: 1, max: 1, what: `one of ${Object.keys(FINDERS).join(", ")}` },
  acceptsRest: true,
  async run({ compose, terminal, settings, positionals: [kind], rest }) {
    if (!isCompleted(kind)) {
      throw new InvalidInputError(
        `Cannot complete ${JSON.stringify(kind)}: kinds are ${Object.keys(FINDERS).join(", ")}`,
      );
    }
    try {
      const { namespace, redisUrl } = valuesAmong(rest ?? [], GLOBAL_ROWS);
      const store = await compose.openStore({
        redisUrl: redisUrl ?? settings.redisUrl,
        namespace: namespace === undefined ? settings.namespace : GLOBAL_ROWS.namespace.read(namespace),
        redisTimeoutSeconds: LIMIT,
      });
      try {
        const words = (await FINDERS[kind](store)).filter((word) => PLAIN.test(word.split("\t", 1)[0]));
        await terminal.write(words.map((word) => `${word}\n`).join(""));
      } finally {
        store.close();
      }
    } catch {
      // an error message is of no use while a word is completed
    }
    return EXIT.ok;
  },
};
