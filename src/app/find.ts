import { InvalidInputError, JobNotFoundError } from "../domain/errors.ts";
import type { JobStore } from "../ports/job_store.ts";
import { mapSideBySide } from "./map_side_by_side.ts";

/** Ids that an ambiguous prefix names in its message. */
const SHOWN = 5;

async function findOne(store: JobStore, text: string): Promise<string> {
  if (text === "") throw new InvalidInputError(`Cannot find job "": write an id, the first letters of one, @ or @~N`);
  const nth = /^@(?:~(\d{1,9}))?$/.exec(text);
  if (nth) {
    const [id] = await store.newest(1, Number(nth[1] ?? 0));
    if (id === undefined) {
      throw new JobNotFoundError(`Cannot find job "${text}": this namespace does not hold that many jobs`);
    }
    return id;
  }
  if (text.startsWith("@")) {
    throw new InvalidInputError(
      `Cannot find job ${JSON.stringify(text)}: write @ for the newest job, @~2 for the one two before it`,
    );
  }
  if (await store.read(text)) return text;
  const ids = await store.withPrefix(text, SHOWN + 1);
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
 * Finds jobs by what a user wrote: an id, a unique begin of one, `@` for the newest job, `@~N` for the one N before it.
 *
 * @returns Ids in the same order, each once.
 * @throws {JobNotFoundError} There is none.
 * @throws {InvalidInputError} A prefix fits several.
 */
export async function findJobs(store: JobStore, texts: readonly string[]): Promise<string[]> {
  return [...new Set(await mapSideBySide(texts, (text) => findOne(store, text)))];
}
