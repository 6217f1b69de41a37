import { viewJob } from "../../app/job_view.ts";
import { InvalidInputError } from "../../domain/errors.ts";
import { EXIT } from "../../domain/exit_codes.ts";
import type { JobStore, StoredJob } from "../../ports/job_store.ts";
import { valuesAmong } from "../args.ts";
import type { Command } from "../command.ts";
import type { Completed, OptionRow } from "../option_row.ts";
import { GLOBAL_ROWS } from "../options.ts";
import { stateOf } from "../job_columns.ts";
import { firstLine, fit, printable } from "../text.ts";

/** Somebody waits for the answer with a key under the finger, seconds. */
const LIMIT = 0.5;
/** Newest jobs that are looked at. */
const MAX_JOBS = 100;
/** Columns of what is said about a job. */
const WIDTH = 50;
/** What every shell takes as one word without quotes. */
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

/** Words by what they are, each with a tab and something about it where there is something to say. */
const FINDERS: Readonly<Record<Completed, (store: JobStore) => Promise<readonly string[]>>> = {
  jobs: async (store) => (await newestJobs(store)).map(describe),
  runners: async (store) => (await store.queues()).map(({ runner }) => runner),
  executors: async (store) => [...new Set((await newestJobs(store)).map((job) => viewJob(job).executor))],
};

function isCompleted(kind: string): kind is Completed {
  return Object.hasOwn(FINDERS, kind);
}

/** `runner complete`: what the completion scripts ask. Whatever goes wrong, there is just nothing to offer. */
export const complete: Command<Readonly<Record<never, OptionRow>>> = {
  name: "complete",
  summary: "Find words for the completion scripts",
  usage: ["KIND -- WORD..."],
  description: ["KIND is jobs, runners or executors; the words are what was typed so far."],
  examples: [{ command: "runner complete jobs -- logs -s production", does: "the newest jobs of a namespace" }],
  rows: {},
  positionals: { min: 1, max: 1, what: `one of ${Object.keys(FINDERS).join(", ")}` },
  takesRest: true,
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
      // nobody completes a word to read an error
    }
    return EXIT.ok;
  },
};
