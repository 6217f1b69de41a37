import { InvalidInputError, JobNotFoundError } from "../domain/errors.ts";
import { placeInBatch } from "../domain/batch.ts";
import { PREFIX_AMONG } from "../domain/limits.ts";
import type { StoredBatch } from "../ports/batches.ts";
import type { JobStore } from "../ports/job_store.ts";
import { mapSideBySide } from "./map_side_by_side.ts";

/** Most ids that the message about an ambiguous prefix names. */
const SHOWN = 5;
/** Number of newest jobs that are searched for those of one queue. */
const AMONG = 10_000;
/** Number of jobs that one step of this search reads. */
const PAGE = 200;

/** Options of `findJob`. */
export interface FindOptions {
  /** Name of a runner: `@` is the newest job of its queue; that of the namespace when left out. */
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

/** A job that a text names, or a batch. */
export interface Found {
  /** Complete id. */
  readonly id: string;
  /** The record of the batch; `null` for a job. */
  readonly batch: StoredBatch | null;
}

/** Returns the batch of which all of some ids are members, when its own id begins with a text. */
async function batchOf(store: JobStore, begin: string, ids: readonly string[]): Promise<StoredBatch | null> {
  const [batch, ...others] = new Set(ids.map((id) => placeInBatch(id)?.batch ?? ""));
  if (!batch || others.length > 0 || !batch.startsWith(begin)) return null;
  return await store.batches.read(batch);
}

/**
 * Resolves the text by which a user names a job or a batch: an id or a unique prefix of one. `@` is the newest job, and
 * `@~N` the one N before it. A prefix may end in the ellipsis that lists print. One that only a batch and its members
 * have is the batch.
 *
 * @throws {JobNotFoundError} There is no such job or batch.
 * @throws {InvalidInputError} A prefix matches several ids, or the text is malformed.
 */
export async function findOne(store: JobStore, text: string, options: FindOptions = {}): Promise<Found> {
  const begin = text.replace(/(?:…|\.\.\.)$/, "");
  if (begin === "") {
    throw new InvalidInputError(
      `Cannot find job ${JSON.stringify(text)}: write an id, the first letters of one, @ or @~N`,
    );
  }
  if (text.startsWith("@")) return { id: await findNewest(store, text, options), batch: null };
  if (await store.read(text)) return { id: text, batch: null };
  const named = await store.batches.read(text);
  if (named) return { id: text, batch: named };
  // the begin of its id is that of other members: BATCH.1 must not mean BATCH.10
  const place = placeInBatch(text);
  if (place && await store.batches.read(place.batch)) {
    throw new JobNotFoundError(
      `Cannot find job ${JSON.stringify(text)}: batch ${JSON.stringify(place.batch)} has no such member, or no longer`,
    );
  }
  const ids = await store.withPrefix(begin, PREFIX_AMONG);
  const batch = await batchOf(store, begin, ids);
  if (batch) return { id: batch.id, batch };
  if (ids.length === 1) return { id: ids[0], batch: null };
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

/** Resolves several texts as `findOne` does; in the same order, each once. */
export async function findAll(
  store: JobStore,
  texts: readonly string[],
  options: FindOptions = {},
): Promise<Found[]> {
  const found = await mapSideBySide(texts, (text) => findOne(store, text, options));
  return [...new Map(found.map((one) => [one.id, one])).values()];
}

/**
 * Resolves several texts as `findOne` does.
 *
 * @returns Complete ids in the same order, each once.
 */
export async function findJobs(
  store: JobStore,
  texts: readonly string[],
  options: FindOptions = {},
): Promise<string[]> {
  return (await findAll(store, texts, options)).map(({ id }) => id);
}
