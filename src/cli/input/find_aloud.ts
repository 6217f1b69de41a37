import { findOne, type Found } from "../../client/find.ts";
import { viewJob } from "../../client/job_view.ts";
import { mapSideBySide } from "../../client/map_side_by_side.ts";
import { stateWord } from "../../domain/state_words.ts";
import { type Finder, queueOf } from "./find_named.ts";
import { firstLine, fit, printable } from "../view/text.ts";

/** Width of the description of a job, columns. */
const WIDTH = 60;

/**
 * Finds jobs and batches that are about to be changed, and first reports which they are where the user did not write
 * the full id.
 */
export async function findAloud(context: Finder, texts: readonly string[]): Promise<Found[]> {
  const store = await context.store();
  const found = await mapSideBySide(texts, (text) => findOne(store, text, queueOf(context)));
  const short = found.flatMap((one, i) => texts[i] === one.id ? [] : [{ ...one, typed: texts[i] }]);
  const jobs = await store.summaries(short.map(({ id }) => id));
  for (const [i, { id, batch, typed }] of short.entries()) {
    const job = jobs[i];
    if (batch) await context.terminal.say(`runner: ${printable(typed)} is batch ${printable(id)}\n`);
    if (job === null) continue;
    const { status, runner, title, payload } = viewJob(job);
    const text = fit(printable(title || firstLine(payload)), WIDTH);
    const where = runner === "" ? "" : ` in queue ${printable(runner)}`;
    await context.terminal.say(
      `runner: ${printable(typed)} is job ${printable(id)}, ${printable(stateWord(status))}${where}${
        text && `: ${text}`
      }\n`,
    );
  }
  return [...new Map(found.map((one) => [one.id, one])).values()];
}
