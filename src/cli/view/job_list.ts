import { type JobView, viewJob } from "../../client/job_view.ts";
import type { JobStore } from "../../ports/job_store.ts";
import type { Context } from "../context.ts";
import { jobJson } from "./job_json.ts";
import { showOverview } from "./show_overview.ts";
import { toJson } from "./text.ts";

/** Jobs of one table. */
const PAGE = 1_000;

/** Writes jobs as `runner status` lists them; with --json, one object per line. */
export async function listByIds(
  { terminal, settings, color }: Pick<Context, "terminal" | "settings" | "color">,
  store: JobStore,
  ids: readonly string[],
): Promise<void> {
  for (let at = 0; at < ids.length; at += PAGE) {
    const stored = await store.summaries(ids.slice(at, at + PAGE));
    const jobs: JobView[] = stored.filter((job) => job !== null).map(viewJob);
    if (settings.json) {
      await terminal.write(jobs.map((job) => `${toJson(jobJson(job))}\n`).join(""));
      continue;
    }
    const nothing = { instances: [], queues: [], deadLetters: [], endings: new Map(), complete: true, counts: null };
    const overview = { ...nothing, jobs, nowMs: await store.time() };
    const shown = { columns: null, jobsOnly: true, ids: null };
    await terminal.write(showOverview(overview, { room: terminal.columns(), color }, shown));
  }
}
