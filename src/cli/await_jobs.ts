import { followJob } from "../client/follow.ts";
import type { ShowOptions } from "../client/output_reader.ts";
import type { RemoteOutput } from "../client/remote_output.ts";
import { exitCodeOfJob, viewJob } from "../client/job_view.ts";
import { waitForJobs } from "../client/wait.ts";
import { formatDuration } from "../domain/duration.ts";
import { EXIT } from "../domain/exit_codes.ts";
import { NOT_CAPTURED } from "../domain/output.ts";
import { pasteWord } from "../domain/shell_words.ts";
import type { HostOutput } from "../ports/host_output.ts";
import type { JobStore, StoredJob } from "../ports/job_store.ts";
import type { Context } from "./context.ts";
import { EscapeFilter } from "./view/escapes.ts";
import { jobJson } from "./view/job_json.ts";
import { lastLine } from "./view/last_line.ts";
import { countGaps, sayMissing } from "./view/missing_output.ts";
import { outputSink } from "./view/output_sinks.ts";
import { Progress } from "./view/progress.ts";
import { printable, toJson } from "./view/text.ts";
import { SIGNAL_EXIT } from "./until_signal.ts";

/** The part of a command's context that waiting needs; `json` writes each ended job as JSON. */
export interface Waiter extends Pick<Context, "terminal" | "compose" | "color"> {
  readonly json: boolean;
}

/** Why waiting ended before the jobs did. */
type Stop = { readonly by: keyof typeof SIGNAL_EXIT } | { readonly by: "limit"; readonly seconds: number };

/** Aborts on a signal or at the time limit; `end` releases both. */
function stopper(waiter: Waiter, limit: number | undefined) {
  const aborted = new AbortController();
  const done = new AbortController();
  let stop: Stop | null = null;
  const abort = (why: Stop) => {
    stop ??= why;
    aborted.abort();
  };
  const quiet = waiter.compose.onSignals((signal) => abort({ by: signal }));
  const timer = limit === undefined ? null : waiter.compose.clock.sleep(limit * 1000, done.signal).then(() => {
    if (!done.signal.aborted) abort({ by: "limit", seconds: limit });
  });
  return {
    signal: aborted.signal,
    reason: () => stop,
    end: async () => {
      quiet();
      done.abort();
      await timer;
    },
  };
}

async function sayStop(waiter: Waiter, stop: Stop, ids: readonly string[]): Promise<number> {
  const names = ids.slice(0, 5).map((id) => pasteWord(id, "ID")).join(" ");
  const what = ids.length === 1 ? "the job goes on" : "the jobs go on";
  if (stop.by === "limit") {
    await waiter.terminal.say(`runner: the limit of ${formatDuration(stop.seconds)} is reached; ${what}\n`);
    return EXIT.waitLimit;
  }
  const more = ids.length > 5 ? " ..." : "";
  await waiter.terminal.say(`\nrunner: detached; ${what}; to stop: runner cancel ${names}${more}\n`);
  return SIGNAL_EXIT[stop.by];
}

/** Reports that part of an ended job's output is lost, whatever its exit code is. */
export async function sayTruncated(terminal: Waiter["terminal"], job: StoredJob): Promise<void> {
  if (viewJob(job).truncated) {
    await terminal.say(`job ${printable(job.id)}: its output is not whole: ${NOT_CAPTURED}\n`);
  }
}

/**
 * Reports the end of a job.
 *
 * @param isSeen Its output has been shown.
 */
export async function sayEnd(waiter: Waiter, job: StoredJob, isSeen: boolean): Promise<number> {
  const last = job.fields.status === "error" ? lastLine(job.fields.result ?? "") : "";
  if (waiter.json) await waiter.terminal.write(`${toJson({ ...jobJson(viewJob(job)), last_line: last || null })}\n`);
  const code = exitCodeOfJob(job) ?? EXIT.failed;
  if (code !== EXIT.ok) {
    const said = last === "" || isSeen ? "" : `; its last line: ${printable(last)}`;
    await waiter.terminal.say(`job ${printable(job.id)}: ${printable(job.fields.error || "it failed")}${said}\n`);
  }
  await sayTruncated(waiter.terminal, job);
  return code;
}

/** Reports once that Redis is unreachable; waiting continues. */
function outageSayer(waiter: Waiter): () => Promise<void> {
  let said = false;
  return async () => {
    if (said) return;
    said = true;
    await waiter.terminal.say("runner: Redis cannot be reached; still waiting\n");
  };
}

/**
 * Waits for jobs and batches, and reports on standard error how each one failed. A signal or the time limit ends the
 * waiting, not the jobs.
 *
 * @param ids Full ids.
 * @param options `limit` in seconds.
 * @returns The highest exit code of the jobs; 75 at the limit.
 */
export async function awaitJobs(
  waiter: Waiter,
  store: JobStore,
  ids: readonly string[],
  options: { readonly limit?: number } = {},
): Promise<number> {
  const stop = stopper(waiter, options.limit);
  const progress = ids.length > 1 ? new Progress(waiter, "jobs have ended", ids.length) : null;
  const sayOutage = outageSayer(waiter);
  let highest: number = EXIT.ok;
  let ended = 0;
  try {
    await waitForJobs(store, ids, {
      signal: stop.signal,
      onOutage: async () => {
        await progress?.hide();
        await sayOutage();
      },
      onEnd: async (job) => {
        ended++;
        if (waiter.json || exitCodeOfJob(job) !== EXIT.ok || viewJob(job).truncated) await progress?.hide();
        highest = Math.max(highest, await sayEnd(waiter, job, false));
        progress?.update(ended, ids.length);
      },
      waitForOther: async (id) => {
        const { awaitBatch } = await import("./await_batch.ts");
        const code = await awaitBatch(waiter, store, id, { signal: stop.signal, onOutage: sayOutage });
        if (typeof code !== "number") return code;
        ended++;
        highest = Math.max(highest, code);
        return true;
      },
    });
  } finally {
    await progress?.end();
    await stop.end();
  }
  const why = stop.reason();
  return why && ended < ids.length ? await sayStop(waiter, why, ids.slice(ended)) : highest;
}

/** The result of following a job: the ended job, or the exit code when following ended before the job. */
export type Followed = { readonly job: StoredJob } | { readonly code: number };

/** Streams the output of a job into a sink until the job ends or a signal arrives. */
export async function followInto(
  waiter: Waiter,
  store: JobStore,
  id: string,
  options: ShowOptions,
): Promise<Followed> {
  const stop = stopper(waiter, undefined);
  let job: StoredJob | null;
  try {
    job = await followJob(store, id, { ...options, signal: stop.signal, onOutage: outageSayer(waiter) });
  } finally {
    await stop.end();
  }
  if (job) return { job };
  const why = stop.reason();
  return { code: why ? await sayStop(waiter, why, [id]) : EXIT.failed };
}

/**
 * Streams the output of a job, then reports its end like `awaitJobs`.
 *
 * @returns The exit code of the job.
 */
export async function showJob(
  waiter: Waiter,
  store: JobStore,
  id: string,
  sources: { readonly host: HostOutput; readonly remote: RemoteOutput },
): Promise<number> {
  // a program that reads the output gets every byte unchanged
  const filter = () =>
    waiter.terminal.isTerminal.output
      ? new EscapeFilter(waiter.color ? "all but colours" : "all", { moves: true })
      : null;
  const last = outputSink(waiter.terminal, filter);
  const { sink, missing } = countGaps(last);
  const followed = await followInto(waiter, store, id, { sink, ...sources });
  await last.end();
  if (!("job" in followed)) return followed.code;
  await sayMissing(waiter.terminal, missing(), { store, job: followed.job, ...sources });
  return await sayEnd(waiter, followed.job, true);
}
