import { UnavailableError } from "../domain/errors.ts";
import { pasteWord } from "../domain/shell_words.ts";
import type { JobStore } from "../ports/job_store.ts";
import type { Context } from "./context.ts";
import { suggest } from "../settings/suggest.ts";
import { printable } from "./view/text.ts";

/** Maximum number of names that are reported; more would be a list. */
const MAX_NAMES = 5;

/** Maximum number of jobs that are checked before waiting for them. */
const MAX_JOBS = 100;

/**
 * Reports to a person that no runner of a name is alive, as after a typing error. A queue without a runner is valid, so
 * scripts that only submit get no hint, and cause no requests to Redis.
 *
 * @param names Names of the runners for which jobs were queued.
 */
export async function hintAtRunner(
  context: Pick<Context, "terminal">,
  store: JobStore,
  names: readonly string[],
): Promise<void> {
  if (context.terminal.isTerminal.errors) await hint(context, store, names);
}

/** Reports the same before waiting for jobs, also to scripts: they would wait silently for ever. */
export async function hintAtWaiting(
  context: Pick<Context, "terminal">,
  store: JobStore,
  ids: readonly string[],
): Promise<void> {
  const jobs = await orNull(store.summaries(ids.slice(0, MAX_JOBS)));
  const waiting = (jobs ?? []).filter((job) => job !== null && (job.fields.status || "dispatched") === "dispatched");
  const names = waiting.map((job) => job!.meta.runner || job!.fields.runner || "").filter((name) => name !== "");
  if (names.length > 0) await hint(context, store, names);
}

async function hint({ terminal }: Pick<Context, "terminal">, store: JobStore, names: readonly string[]): Promise<void> {
  const alive = (await orNull(store.instances()))?.filter((instance) => instance.alive).map(({ runner }) => runner);
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

/** Returns `null` when Redis is unavailable: the jobs are queued, and that counts. */
async function orNull<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof UnavailableError) return null;
    throw error;
  }
}
