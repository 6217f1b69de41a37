import { InvalidInputError } from "../domain/errors.ts";
import { EXIT } from "../domain/exit_codes.ts";
import type { JobStore } from "../ports/job_store.ts";
import type { Context } from "./context.ts";
import { suggest } from "../settings/suggest.ts";
import { printable, toJson } from "./view/text.ts";

/**
 * Refuses the name of a runner that is not in use: it is most likely a typing error.
 *
 * @param cannot Start of the message, such as `Cannot pause`.
 * @throws {InvalidInputError} No runner and no job of the namespace has used it.
 */
export async function checkRunnerName(store: JobStore, name: string, cannot: string): Promise<void> {
  const names = (await store.queues()).map(({ runner }) => runner);
  if (names.includes(name)) return;
  const near = suggest(name, names);
  throw new InvalidInputError(
    `${cannot} ${JSON.stringify(name)}: no runner and no job of this namespace has used that name${
      near ? `, perhaps you mean ${JSON.stringify(near)}` : ""
    }`,
  );
}

/** Pauses or resumes the queue of --name. */
export async function pauseQueue(context: Context, paused: boolean): Promise<number> {
  const { terminal, settings: { name, json } } = context;
  const store = await context.store();
  await checkRunnerName(store, name, `Cannot ${paused ? "pause" : "resume"} queue`);
  await store.pause(name, paused);
  if (json) await terminal.write(`${toJson({ queue: name, paused })}\n`);
  else {
    const says = paused ? "paused; running jobs go on" : "its runners start jobs again";
    await terminal.say(`queue ${printable(name)}: ${says}\n`);
  }
  return EXIT.ok;
}
