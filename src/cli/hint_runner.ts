import { UnavailableError } from "../domain/errors.ts";
import { pasteWord } from "../domain/shell_words.ts";
import type { JobStore, StoredInstance } from "../ports/job_store.ts";
import type { Context } from "./context.ts";
import { suggest } from "./suggest.ts";
import { printable } from "./text.ts";

/** Names that are spoken of; more would be a list. */
const MAX_NAMES = 5;

/**
 * Says to a person that no runner of a name is alive, as after a typing error. A queue without a runner is no mistake, so scripts
 * are told nothing, and Redis is asked nothing for them.
 *
 * @param names Of the runners that jobs were queued for.
 */
export async function hintAtRunner(
  { terminal }: Pick<Context, "terminal">,
  store: JobStore,
  names: readonly string[],
): Promise<void> {
  if (!terminal.isTerminal.errors) return;
  const alive = (await instancesOf(store))?.filter((instance) => instance.alive).map(({ runner }) => runner);
  if (!alive) return;
  const silent = [...new Set(names)].filter((name) => !alive.includes(name));
  for (const name of silent.slice(0, MAX_NAMES)) {
    const near = suggest(name, alive);
    const next = near
      ? `did you mean ${JSON.stringify(near)}?`
      : `start one: runner run --name ${pasteWord(name, "NAME")}`;
    await terminal.say(`runner: no runner ${printable(JSON.stringify(name))} is alive yet; ${printable(next)}\n`);
  }
}

/** `null` when they cannot be had: the jobs are queued, and that counts. */
async function instancesOf(store: JobStore): Promise<readonly StoredInstance[] | null> {
  try {
    return await store.instances();
  } catch (error) {
    if (error instanceof UnavailableError) return null;
    throw error;
  }
}
