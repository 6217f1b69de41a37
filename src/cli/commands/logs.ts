import { attemptOf } from "../../client/attempt_of.ts";
import { showOutput } from "../../client/follow.ts";
import type { FollowSink, ShowOptions } from "../../client/output_reader.ts";
import { RemoteOutput } from "../../client/remote_output.ts";
import { InvalidInputError, JobNotFoundError } from "../../domain/errors.ts";
import { EXIT } from "../../domain/exit_codes.ts";
import { metaNumber } from "../../domain/job_meta.ts";
import { isFinal } from "../../domain/lifecycle.ts";
import type { JobStore, StoredJob } from "../../ports/job_store.ts";
import { followInto } from "../await_jobs.ts";
import { readRange } from "../input/output_range.ts";
import { findAllNamed } from "../input/find_named.ts";
import type { Command } from "../command.ts";
import type { Context } from "../context.ts";
import { EscapeFilter } from "../view/escapes.ts";
import { hintAtWaiting } from "../hint_runner.ts";
import { countGaps, sayMissing } from "../view/missing_output.ts";
import type { OptionRows } from "../../settings/option_row.ts";
import { READ_SPOOL } from "../../settings/options.ts";
import { JsonLinesSink, LastLinesSink, outputSink } from "../view/output_sinks.ts";
import { printable } from "../view/text.ts";

/** Its `-n` counts lines, as in `tail`. */
const LOGS_ROWS = {
  follow: { type: "flag", short: "f", help: "Show new output until the job has ended" },
  lines: { type: "integer", short: "n", value: "N", min: 0, help: "Show only the last N lines of the existing output" },
  since: { type: "duration", value: "D", help: "Show only output that was written within this time" },
  range: {
    type: "string",
    value: "A-B",
    help: "Show only these bytes of the output: 0-499, 500-, or =-500 for the last ones",
    read: (text) => (readRange(text), text),
  },
  attempt: { type: "integer", value: "N", min: 1, help: "Show this attempt instead of the newest one" },
  raw: { type: "flag", help: "Show every byte as the job wrote it" },
  spool: READ_SPOOL,
} as const satisfies OptionRows;

/** The options that choose a part of the output; at most one of them. */
const PARTS = ["lines", "since", "range"] as const;

type LogsContext = Context<typeof LOGS_ROWS>;

/**
 * Opens the sink to standard output. `end` writes what is left, `isEmpty` means that nothing came, and `missing` is the
 * number of missing bytes.
 */
function openSink({ terminal, settings, color }: LogsContext) {
  const removed = settings.json ? "sequences" : color ? "all but colours" : "all";
  const filter = () => settings.raw ? null : new EscapeFilter(removed, { moves: true });
  const last = settings.json ? new JsonLinesSink(terminal, filter) : outputSink(terminal, filter);
  const { sink: counted, missing } = countGaps(last);
  const lines: FollowSink = settings.lines === undefined ? counted : new LastLinesSink(counted, settings.lines);
  let empty = true;
  const sink: FollowSink = {
    write: (bytes, place) => {
      empty = false;
      return lines.write(bytes, place);
    },
    gap: (bytes, place) => lines.gap(bytes, place),
    attempt: (attempt) => lines.attempt(attempt),
    caughtUp: async () => await lines.caughtUp?.(),
  };
  return { sink, end: () => last.end(), isEmpty: () => empty, missing };
}

/** Reports on standard error what the output does not show: that there is none, and how the job ended. */
async function sayRest({ terminal, settings }: LogsContext, job: StoredJob, empty: boolean): Promise<void> {
  const ended = isFinal(job.fields.status ?? "");
  if (empty) {
    const isPart = PARTS.some((name) => settings[name] !== undefined);
    const what = isPart ? "no output in this part" : `no output${ended ? "" : " yet"}`;
    await terminal.say(`job ${printable(job.id)}: ${what}\n`);
  }
  if (ended && settings.follow && job.fields.status === "error") {
    await terminal.say(`job ${printable(job.id)}: ${printable(job.fields.error || "it failed")}\n`);
  }
}

/** Returns which output is shown, as the options say. */
async function partOf(
  { settings }: LogsContext,
  store: JobStore,
): Promise<Pick<ShowOptions, "from" | "start" | "end">> {
  const { lines, since, range, attempt } = settings;
  const from = attempt ?? "newest";
  if (range !== undefined) {
    const { offset, end } = readRange(range);
    return { from, start: { offset }, ...end !== undefined && { end } };
  }
  if (since !== undefined) return { from, start: { sinceMs: await store.time() - since * 1000 } };
  return lines === undefined ? { from } : { from, start: { lines } };
}

/** Refuses options that contradict each other. */
function checkParts({ settings }: LogsContext): void {
  const [first, second] = PARTS.filter((name) => settings[name] !== undefined);
  if (second) throw new InvalidInputError(`Cannot use --${first} and --${second} together: write one of them`);
  if (settings.range !== undefined && settings.follow) {
    throw new InvalidInputError("Cannot use --range with --follow: the bytes of a range do not change");
  }
}

/** Refuses an attempt that the job has not begun, or that is not on record any more. */
function checkAttempt(job: StoredJob, attempt: number | undefined): void {
  const newest = metaNumber(job.meta.attempt, 0);
  if (attempt === undefined || attempt === newest) return;
  if (attempt < newest && attemptOf(job, attempt) === null) {
    throw new JobNotFoundError(
      `Cannot show attempt ${attempt} of job ${JSON.stringify(job.id)}: where its output is is not on record any more`,
    );
  }
  if (attempt < newest) return;
  const what = newest === 0 ? "it has begun none yet" : `its newest one is ${newest}`;
  throw new InvalidInputError(`Cannot show attempt ${attempt} of job ${JSON.stringify(job.id)}: ${what}`);
}

/** `runner logs`. */
export const logs: Command<typeof LOGS_ROWS> = {
  name: "logs",
  summary: "Show the output of a job",
  usage: ["[OPTIONS] ID"],
  description: [
    "Works from any host that reaches Redis, and shows the whole output while the host of the job's runner keeps it. " +
    "Redis has the first and the last 64 KiB of an ended job, and up to 4 MiB of the output that came while it ran; " +
    "the rest is asked from the runner, or read from its files on the same host. Where bytes are missing, standard " +
    "error reports how many, and why. Of a job with several attempts, the newest attempt is shown.",
    "--since goes by the times at which Redis got the output, to within a second; it has them for the newest 4 MiB.",
    "Of a batch it shows the outputs of all members, each line with the index of its member in front: one after the " +
    "other, or with --follow as they are written.",
    "With --follow it exits with 0 when the job has ended, however that was; `runner wait` returns the exit code of " +
    "the job. Ctrl-C stops the output and not the job.",
    "On a terminal, colours stay and all other control sequences are removed; in a pipe colours are removed too. " +
    "Movements of the cursor become blanks and line ends, and a carriage return within a line becomes a line end. " +
    "Invalid UTF-8 becomes U+FFFD, and characters that show nothing or reorder the text are marked, such as \\u202e. " +
    "--raw leaves everything unchanged; only a CR LF that a job writes after it has switched its terminal to raw " +
    "mode becomes LF.",
  ],
  examples: [
    { command: "runner logs @", does: "show the output of the newest job" },
    { command: "runner logs -n 20 --follow 3f2a", does: "show the last 20 lines, then new output" },
    { command: "runner logs --follow grid", does: "show what the members of batch grid write" },
    { command: "runner logs --range 0-999 @", does: "show the first 1,000 bytes" },
    { command: "runner logs --raw @", does: "show every byte as the job wrote it" },
  ],
  rows: LOGS_ROWS,
  needs: [{ net: true, env: ["XDG_STATE_HOME"], read: "spool, if it can", sys: ["uid"], spares: ["read", "sys"] }],
  positionals: { min: 1, max: 1, what: "the id of one job or batch", completes: "jobs" },
  async run(context) {
    const { terminal, compose, settings, positionals, color } = context;
    checkParts(context);
    const store = await context.store();
    const [{ id, batch }] = await findAllNamed(context, positionals);
    const host = await compose.openHostOutput(settings);
    const remote = new RemoteOutput(store, {
      newId: compose.newId,
      waitMs: settings.redisTimeout * 1000,
      clock: compose.clock,
    });
    const parts = { host, remote, ...await partOf(context, store) };
    if (batch) {
      if (settings.json) throw new InvalidInputError("Cannot use --json with a batch: name a member");
      const { logBatch } = await import("../logs_batch.ts");
      return await logBatch(context, store, batch, parts);
    }
    const { sink, end, isEmpty, missing } = openSink(context);
    const options: ShowOptions = { sink, ...parts };
    const finish = async (job: StoredJob) => {
      await end();
      const shown = attemptOf(job, settings.attempt ?? metaNumber(job.meta.attempt, 0))?.job ?? job;
      await sayMissing(terminal, missing(), { store, job: shown, host, remote });
      await sayRest(context, job, isEmpty());
      return EXIT.ok;
    };
    const job = await store.read(id);
    if (!job) throw new JobNotFoundError(`Cannot show output of job ${JSON.stringify(id)}: it has just left Redis`);
    checkAttempt(job, settings.attempt);
    // an earlier attempt has ended
    if (!settings.follow || (settings.attempt ?? Infinity) < metaNumber(job.meta.attempt, 0)) {
      await showOutput(store, job, options);
      return await finish(job);
    }
    await hintAtWaiting(context, store, [id]);
    const followed = await followInto({ terminal, compose, color, json: false }, store, id, options);
    if ("job" in followed) return await finish(followed.job);
    await end();
    return followed.code;
  },
};
