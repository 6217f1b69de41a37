import { InvalidInputError, JobNotFoundError } from "../domain/errors.ts";
import type { JobStore } from "../ports/job_store.ts";
import { mapSideBySide } from "./map_side_by_side.ts";

/** Ids that an ambiguous prefix names in its message. */
const SHOWN = 5;
/** Newest jobs among which those of one queue are looked for, and how many are read at a time. */
const AMONG = 10_000, PAGE = 200;

/** What is meant by words that name no job for themselves. */
export interface FindOptions {
  /** `@` is the newest job of this runner's queue; of the namespace when left out. */
  readonly queue?: string;
}

async function newestOf(store: JobStore, nth: number, queue: string | undefined): Promise<string | undefined> {
  if (queue === undefined) return (await store.newest(1, nth))[0];
  let left = nth;
  for (let from = 0; from < AMONG; from += PAGE) {
    const ids = await store.newest(PAGE, from);
    for (const job of await store.summaries(ids)) {
      const runner = job?.meta.runner || job?.fields.runner;
      if (job !== null && runner === queue && left-- === 0) return job.id;
    }
    if (ids.length < PAGE) break;
  }
  return undefined;
}

async function findNewest(store: JobStore, text: string, { queue }: FindOptions): Promise<string> {
  const nth = /^@(?:~(\d{1,9}))?$/.exec(text);
  if (!nth) {
    throw new InvalidInputError(
      `Cannot find job ${JSON.stringify(text)}: write @ for the newest job, @~2 for the one two before it`,
    );
  }
  const id = await newestOf(store, Number(nth[1] ?? 0), queue);
  if (id !== undefined) return id;
  throw new JobNotFoundError(
    queue === undefined
      ? `Cannot find job "${text}": this namespace does not hold that many jobs`
      : `Cannot find job "${text}": the queue ${JSON.stringify(queue)} has not that many among the newest jobs`,
  );
}

/**
 * Finds a job by what a user wrote: an id, a unique begin of one, also with the ellipsis that lists put behind it, `@`
 * for the newest job, `@~N` for the one N before it.
 *
 * @throws {JobNotFoundError} There is none.
 * @throws {InvalidInputError} A prefix fits several.
 */
export async function findJob(store: JobStore, text: string, options: FindOptions = {}): Promise<string> {
  const begin = text.replace(/(?:…|\.\.\.)$/, "");
  if (begin === "") {
    throw new InvalidInputError(
      `Cannot find job ${JSON.stringify(text)}: write an id, the first letters of one, @ or @~N`,
    );
  }
  if (text.startsWith("@")) return await findNewest(store, text, options);
  if (await store.read(text)) return text;
  const ids = await store.withPrefix(begin, SHOWN + 1);
  if (ids.length === 1) return ids[0];
  if (ids.length > 1) {
    const some = ids.slice(0, SHOWN).map((id) => JSON.stringify(id)).join(", ");
    throw new InvalidInputError(
      `Cannot find job ${JSON.stringify(text)}: several ids begin so: ${some}${
        ids.length > SHOWN ? " and more" : ""
      }; write more of it`,
    );
  }
  throw new JobNotFoundError(`Cannot find job ${JSON.stringify(text)}: no job of this namespace has that id`);
}

/**
 * Finds jobs by what a user wrote, as `findJob` does.
 *
 * @returns Ids in the same order, each once.
 */
export async function findJobs(
  store: JobStore,
  texts: readonly string[],
  options: FindOptions = {},
): Promise<string[]> {
  return [...new Set(await mapSideBySide(texts, (text) => findJob(store, text, options)))];
}
