import { explainJob } from "../../app/explain.ts";
import { findJobs } from "../../app/find.ts";
import { viewJob } from "../../app/job_view.ts";
import { readOverview } from "../../app/overview.ts";
import { JobNotFoundError } from "../../domain/errors.ts";
import { EXIT } from "../../domain/exit_codes.ts";
import type { JobStore } from "../../ports/job_store.ts";
import type { Command } from "../command.ts";
import type { Context } from "../context.ts";
import { type JobDetail, showDetail } from "../job_detail.ts";
import { jobDetailJson } from "../job_json.ts";
import { STATUS_ROWS } from "../options.ts";
import { overviewJson, showOverview } from "../show_overview.ts";
import { toJson } from "../text.ts";

async function readDetail(store: JobStore, id: string, context: Context<typeof STATUS_ROWS>): Promise<JobDetail> {
  const stored = await store.read(id);
  if (!stored) throw new JobNotFoundError(`Cannot show job ${JSON.stringify(id)}: it has just left Redis`);
  const [{ why, owner }, nowMs] = await Promise.all([explainJob(store, stored), store.time()]);
  const job = viewJob(stored);
  return { job, why, nowMs, host: owner?.host ?? null, attach: attachLine(owner?.attach, job.executor, context) };
}

/** The command that shows the job's terminal; `null` when its runner is not known. */
function attachLine(prefix: string | undefined, executor: string, { wire }: Pick<Context, "wire">): string | null {
  if (!prefix) return null;
  try {
    return `${prefix} ${wire.checkExecutor(executor).session}`;
  } catch {
    // a foreign client wrote an executor that nothing takes: there is no terminal
    return null;
  }
}

/** `runner status`. */
export const status: Command<typeof STATUS_ROWS> = {
  name: "status",
  summary: "Show runners, queues and recent jobs, or everything about some jobs",
  usage: ["[OPTIONS]", "[OPTIONS] ID..."],
  description: [
    "A job is named by its id, by the first letters of it, by @ for the newest job, or by @~2 for the one two before that. " +
    "For a job that has not ended, it says why it waits and how to attach to its terminal.",
  ],
  examples: [
    { command: "runner status", does: "who lives, what waits, what ran" },
    { command: "runner status @", does: "everything about the newest job" },
    { command: "runner status -n 100 --json", does: "the last hundred jobs, for a program" },
  ],
  rows: STATUS_ROWS,
  positionals: { min: 0, max: Infinity, what: "ids of jobs" },
  async run(context) {
    const { terminal, settings, positionals, color } = context;
    const store = await context.store();
    const look = { room: terminal.columns(), color };
    if (positionals.length === 0) {
      const overview = await readOverview(store, settings.count);
      await terminal.write(settings.json ? `${toJson(overviewJson(overview))}\n` : showOverview(overview, look));
      return EXIT.ok;
    }
    const ids = await findJobs(store, positionals);
    for (const [i, id] of ids.entries()) {
      const detail = await readDetail(store, id, context);
      const text = settings.json ? `${toJson(jobDetailJson(detail.job, detail))}\n` : showDetail(detail, look);
      await terminal.write(i > 0 && !settings.json ? `\n${text}` : text);
    }
    return EXIT.ok;
  },
};
