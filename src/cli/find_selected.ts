import { type SelectedJob, selectJobs } from "../client/select_jobs.ts";
import type { Filter } from "../client/selection.ts";
import type { JobStore } from "../ports/job_store.ts";
import type { Context } from "./context.ts";
import { checkRunnerName } from "./pause_queue.ts";
import { Progress } from "./view/progress.ts";

/**
 * Finds all jobs that fit, with a progress bar.
 *
 * @param cannot Start of the message about an unknown runner, such as `Cannot cancel jobs of runner`.
 * @throws {InvalidInputError} None fits, and no runner and no job of the namespace has used the name of the runner.
 */
export async function findSelected(
  context: Pick<Context, "terminal" | "compose"> & { readonly store: JobStore },
  filter: Filter,
  cannot: string,
): Promise<SelectedJob[]> {
  const { store } = context;
  const progress = new Progress(context, "jobs scanned");
  let found: SelectedJob[];
  try {
    found = await selectJobs(store, filter, ({ scanned, total }) => progress.update(scanned, total));
  } finally {
    await progress.end();
  }
  if (found.length === 0 && filter.runner !== undefined) await checkRunnerName(store, filter.runner, cannot);
  return found;
}
