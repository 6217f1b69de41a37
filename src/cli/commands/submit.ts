import { checkSubmission } from "../../client/check_submission.ts";
import type { BatchPlan } from "../../client/plan_batch.ts";
import type { BadLine } from "../../client/order_jobs.ts";
import type { Draft } from "../../client/read_submission.ts";
import { makeReady, submitJob, type Submitted } from "../../client/submit.ts";
import { InvalidInputError, JobNotFoundError, QueueFullError, UnavailableError } from "../../domain/errors.ts";
import { asList } from "../../domain/submission.ts";
import { EXIT } from "../../domain/exit_codes.ts";
import { pasteWord } from "../../domain/shell_words.ts";
import type { Trouble } from "../../ports/queue.ts";
import type { Waiter } from "../await_jobs.ts";
import type { Command } from "../command.ts";
import type { Context } from "../context.ts";
import { findNamed } from "../input/find_named.ts";
import { hintAtRunner, hintAtWaiting } from "../hint_runner.ts";
import type { OptionRows } from "../../settings/option_row.ts";
import { READ_SPOOL } from "../../settings/options.ts";
import { isBatch, readAxes } from "../input/batch_options.ts";
import { BATCH_ROWS } from "../input/batch_rows.ts";
import { JOB_ROWS } from "../input/job_rows.ts";
import { choosePayload, openBatch, readPayload } from "../input/payload.ts";
import { readSubmissionOptions } from "../input/submission_options.ts";
import { checkSubmitOptions } from "../input/submit_checks.ts";
import { printable, toJson } from "../view/text.ts";

const { executor, timeout, env, envFile, cwd, callerId, contextId, title } = JOB_ROWS;
const { label, priority, limit, retries, backoff, keep, script } = JOB_ROWS;

/** Options of `runner submit`. */
export const SUBMIT_ROWS = {
  ...{ executor, timeout, env, envFile, cwd, callerId, contextId },
  id: { type: "string", value: "ID", defaultText: "a new one", help: "Id of the job; the same id is queued only once" },
  ...{ title, label, priority },
  in: { type: "duration", value: "D", help: "Start after this time" },
  at: {
    type: "string",
    value: "TIME",
    help: "Start at this time: 2026-01-31T18:30:00Z, or in local time 2026-01-31 18:30",
  },
  after: {
    type: "list",
    value: "ID,...",
    completes: "jobs",
    help: "Start when these jobs have finished; end as skipped when one of them fails; may be repeated",
  },
  afterEnd: {
    type: "list",
    value: "ID,...",
    completes: "jobs",
    help: "Start when these jobs have ended, in any way; may be repeated",
  },
  ...{ limit, retries, backoff, keep, script },
  ...BATCH_ROWS,
  from: { type: "string", value: "FILE", help: "Submit many jobs, one JSON object per line; - reads standard input" },
  maxQueued: {
    type: "integer",
    value: "N",
    min: 1,
    defaultText: "no limit",
    help: "Exit with 75 when N jobs, delayed and parked ones included, already wait for the runner",
  },
  batch: { type: "flag", help: "With --from: the jobs are the members of one batch" },
  skipBad: { type: "flag", help: "With --from: skip invalid lines and queue the others" },
  wait: { type: "flag", help: "Wait until the job ends and exit with its exit code" },
  follow: { type: "flag", help: "Like --wait, and show the output live" },
  spool: READ_SPOOL,
  dryRun: { type: "flag", help: "Only show what would be queued, and where each value comes from" },
} as const satisfies OptionRows;

type SubmitContext = Context<typeof SUBMIT_ROWS>;

/** Maximum number of bad lines that are reported one by one. */
const BAD_SHOWN = 20;

function waiterOf({ terminal, compose, settings, color }: SubmitContext): Waiter {
  return { terminal, compose, color, json: settings.json };
}

/**
 * Writes ids to standard output, and a note for what was not queued. With --follow, only the output of the job goes to
 * standard output.
 */
async function sayIds({ terminal, settings }: SubmitContext, jobs: readonly Submitted[]): Promise<void> {
  const lines = jobs.map(({ id, queued }) =>
    settings.json ? toJson({ id, queued }) : settings.follow ? `job ${printable(id)}` : id
  );
  const text = lines.map((line) => `${line}\n`).join("");
  if (settings.follow && !settings.json) await terminal.say(text);
  else await terminal.write(text);
  for (const { id, queued } of jobs) {
    if (!queued) await terminal.say(`runner: job ${printable(id)} is already there; nothing was queued\n`);
  }
}

/** Returns the time of Redis' clock, when a delay needs it. */
async function nowFor(context: SubmitContext, drafts: readonly Draft[]): Promise<number> {
  return drafts.some(({ delay }) => delay !== undefined) ? await (await context.store()).time() : 0;
}

/** Resolves the jobs for which a job waits: `@`, or the first letters of an id. */
async function resolveAfter(context: SubmitContext, draft: Draft): Promise<Draft> {
  const { after, afterEnd } = draft.submission;
  return {
    ...draft,
    submission: {
      ...draft.submission,
      ...(after === undefined ? {} : { after: await findNamed(context, asList(after)) }),
      ...(afterEnd === undefined ? {} : { afterEnd: await findNamed(context, asList(afterEnd)) }),
    },
  };
}

/** Returns whether the connection broke before the reply arrived. */
function isUnknown(error: unknown): error is UnavailableError & Trouble {
  return error instanceof UnavailableError && (error as Partial<Trouble>).sent === true &&
    (error as Partial<Trouble>).condition === "unreachable";
}

/** Returns the message of an error, without the Redis step that failed, which means nothing to a user. */
function saidBy({ message, says }: Error & Partial<Trouble>): string {
  return says === undefined ? message : `Cannot submit: ${says}`;
}

function unknownFate(error: UnavailableError & Trouble, id: string): UnavailableError {
  const message = `${saidBy(error)}; whether the job is queued is unknown, --id ${
    pasteWord(id, "ID")
  } makes it safe to submit it again`;
  return Object.assign(new UnavailableError(message, { cause: error }), {
    condition: error.condition,
    remedy: error.remedy,
    sent: true,
  });
}

/**
 * Adds what was done to the error of ids that could not be written. A reader that has closed the pipe needs no report.
 */
function unsaid(error: unknown, done: string): unknown {
  if (!(error instanceof Error) || error.name === "BrokenPipe") return error;
  return new Error(`${error.message}; ${done}`, { cause: error });
}

async function submitOne(context: SubmitContext, draft: Draft): Promise<number> {
  const { settings } = context;
  const store = await context.store();
  const ready = makeReady(draft, await nowFor(context, [draft]), context.compose.newId);
  const submitted = await submitJob(store, ready, settings).catch((error) => {
    throw isUnknown(error) ? unknownFate(error, ready.id) : error;
  });
  await sayIds(context, [submitted]).catch((error) => {
    throw unsaid(error, `job ${printable(submitted.id)} is ${submitted.queued ? "queued" : "already there"}`);
  });
  if (!settings.follow && !settings.wait) {
    if (submitted.queued) await hintAtRunner(context, store, [ready.runner]);
    return EXIT.ok;
  }
  await hintAtWaiting(context, store, [submitted.id]);
  const { awaitJobs, showJob } = await import("../await_jobs.ts");
  if (settings.follow) {
    const { RemoteOutput } = await import("../../client/remote_output.ts");
    const host = await context.compose.openHostOutput(settings);
    const remote = new RemoteOutput(store, {
      newId: context.compose.newId,
      waitMs: settings.redisTimeout * 1000,
      clock: context.compose.clock,
    });
    return await showJob(waiterOf(context), store, submitted.id, { host, remote });
  }
  return await awaitJobs(waiterOf(context), store, [submitted.id]);
}

async function sayBadLines({ terminal, settings }: SubmitContext, bad: readonly BadLine[]): Promise<void> {
  if (bad.length === 0) return;
  const lines = bad.slice(0, BAD_SHOWN).map(({ line, reason }) => `line ${line}: ${reason}`);
  if (bad.length > BAD_SHOWN) lines.push(`and ${bad.length - BAD_SHOWN} more bad lines`);
  if (!settings.skipBad) {
    throw new InvalidInputError(
      `Cannot submit: ${lines.join("; ")}; nothing was queued${
        settings.batch ? "" : "; --skip-bad queues the other lines"
      }`,
    );
  }
  for (const line of lines) await terminal.say(`runner: skipped ${printable(line)}\n`);
}

/** Adds how far a batch came to the error that ended it. */
function halfDone(error: unknown, came: string): unknown {
  if (error instanceof QueueFullError) return new QueueFullError(`${error.message}; ${came}`, { cause: error });
  if (error instanceof JobNotFoundError) return new JobNotFoundError(`${error.message}; ${came}`, { cause: error });
  if (!(error instanceof UnavailableError)) return error;
  const { condition, remedy } = error as Partial<Trouble>;
  return Object.assign(new UnavailableError(`${saidBy(error)}; ${came}`, { cause: error }), { condition, remedy });
}

async function submitMany(context: SubmitContext, defaults: Draft, path: string): Promise<number> {
  const { terminal, settings, compose } = context;
  const [{ readJobs }, { submitJobs }, { Progress }] = await Promise.all([
    import("../../client/read_jobs.ts"),
    import("../../client/submit_jobs.ts"),
    import("../view/progress.ts"),
  ]);
  const check = (draft: Draft) => checkSubmission(draft, compose.checkExecutor);
  const existing = async (ids: readonly string[]) => {
    const store = await context.store();
    const jobs = await store.summaries(ids);
    const there = await Promise.all(ids.map(async (id, i) => jobs[i] ?? await store.batches.read(id)));
    return new Set(ids.filter((_, i) => there[i] !== null));
  };
  const { drafts, bad } = await readJobs(await openBatch(path, compose), defaults, {
    check,
    ...(settings.dryRun ? {} : { existing }),
  });
  await sayBadLines(context, bad);
  if (settings.dryRun) {
    const { draftJson } = await import("../view/dry_run.ts");
    for (const draft of drafts) await terminal.write(`${toJson(draftJson(draft))}\n`);
    return EXIT.ok;
  }
  if (drafts.length === 0) return EXIT.ok;
  const store = await context.store();
  const now = await nowFor(context, drafts);
  const ready = drafts.map((draft) => makeReady(draft, now, compose.newId));
  // the ids on a terminal show enough progress
  const progress = terminal.isTerminal.output ? null : new Progress(context, "jobs queued", ready.length);
  let closed: unknown = null;
  let count = 0;
  try {
    const onSubmitted = async (submitted: readonly Submitted[]) => {
      count += submitted.length;
      // a reader that closes the pipe, as `| head` does, must not leave half a batch behind
      await sayIds(context, submitted).catch((error) => closed = error);
      progress?.update(count, ready.length);
    };
    await submitJobs(store, ready, { onSubmitted, maxQueued: settings.maxQueued });
  } catch (error) {
    const where = closed === null ? ", those with their ids on standard output" : "";
    throw halfDone(error, `${count} of ${ready.length} jobs are queued${where}`);
  } finally {
    await progress?.end();
  }
  if (closed) throw unsaid(closed, `${count} of ${ready.length} jobs are queued, or were there already`);
  if (!settings.wait) {
    await hintAtRunner(context, store, ready.map(({ runner }) => runner));
    return EXIT.ok;
  }
  const ids = [...new Set(ready.map(({ id }) => id))];
  await hintAtWaiting(context, store, ids);
  const { awaitJobs } = await import("../await_jobs.ts");
  return await awaitJobs(waiterOf(context), store, ids);
}

/** Queues the jobs of a file as the members of one batch. */
async function submitMembers(context: SubmitContext, defaults: Draft, path: string): Promise<number> {
  const { compose, settings } = context;
  const [{ readJobs }, { memberOf }, { queueBatch }] = await Promise.all([
    import("../../client/read_jobs.ts"),
    import("../../client/batch_members.ts"),
    import("../submit_batch.ts"),
  ]);
  const { id: _, ...shared } = defaults.submission;
  const same: Draft = { ...defaults, submission: shared };
  const { drafts, bad } = await readJobs(await openBatch(path, compose), same, {
    check: (draft) => {
      memberOf(draft, same);
      checkSubmission(draft, compose.checkExecutor);
    },
  });
  await sayBadLines(context, bad);
  const members = drafts.map((draft) => memberOf(draft, same));
  return await queueBatch(context, { draft: defaults, axes: [], members, ...boundsOf(settings) });
}

/** Returns what holds for all members of a batch together. */
function boundsOf({ atMost, stopAfter }: SubmitContext["settings"]): Pick<BatchPlan, "atMost" | "stopAfter"> {
  return { atMost, stopAfter };
}

async function run(context: SubmitContext): Promise<number> {
  const { settings, compose, terminal, positionals, rest } = context;
  checkSubmitOptions(settings);
  const source = choosePayload({ positionals, rest, script: settings.script, batch: settings.from });
  const options = await readSubmissionOptions(settings, compose.environment);
  if (source.from === "batch") {
    const defaults = await resolveAfter(context, options);
    return await (settings.batch ? submitMembers : submitMany)(context, defaults, source.path);
  }
  if (source.from === "stdin" && settings.each === "-") {
    throw new InvalidInputError("Cannot use --each - with - for shell text: both read standard input");
  }
  const payload = await readPayload(source, compose);
  const draft: Draft = { ...options, submission: { ...options.submission, payload } };
  if (isBatch(settings)) {
    const axes = await readAxes(settings, compose);
    const { queueBatch } = await import("../submit_batch.ts");
    return await queueBatch(context, {
      draft: await resolveAfter(context, draft),
      axes,
      ...boundsOf(settings),
    });
  }
  // errors that need no Redis are reported without a connection
  const alone = { ...draft.submission, after: undefined, afterEnd: undefined };
  checkSubmission({ ...draft, submission: alone }, compose.checkExecutor);
  const complete = await resolveAfter(context, draft);
  checkSubmission(complete, compose.checkExecutor);
  if (settings.dryRun) {
    const { showDryRun } = await import("../view/dry_run.ts");
    await terminal.write(showDryRun(complete, context));
    return EXIT.ok;
  }
  return await submitOne(context, complete);
}

/** `runner submit`. */
export const submit: Command<typeof SUBMIT_ROWS> = {
  name: "submit",
  summary: "Queue a job, or many, and print their ids",
  usage: [
    "[OPTIONS] 'SHELL TEXT'",
    "[OPTIONS] -- COMMAND [ARGUMENT]...",
    "[OPTIONS] --script FILE",
    "[OPTIONS] -            (shell text on standard input)",
    "[OPTIONS] --from FILE  (one JSON object per line; - reads standard input)",
    "[OPTIONS] --array 1-N|--param NAME=A,B...|--each FILE 'SHELL TEXT'",
  ],
  description: [
    "Prints only the id on standard output. With --wait the exit code is the job's own, or 123 skipped, 124 timed " +
    "out, 125 lost, 130 cancelled. With --follow standard output gets the output of the job instead of its id, on a " +
    "terminal as `runner logs` shows it and in a pipe unchanged. Ctrl-C ends the waiting, not the job.",
    "A line of --from has the keys payload, runner, executor, timeout, env_vars, caller_id, context_id, id, title, " +
    "labels, priority, in, at, after, after_end, limits, retries, backoff, keep and cwd; missing keys get their " +
    "value from the options. after and after_end have an id or a list of ids; those of lines of the same file in " +
    "any order, as the jobs for which others wait are queued first. Nothing is queued when a line is invalid, " +
    "unless --skip-bad is set.",
    "A job waits for at most 256 others, which must exist. When one that must finish fails, is cancelled, lost or " +
    "purged, the job ends as skipped, with exit code 123, and so do those that wait for it. A batch counts " +
    "as one job, which has finished when all its members have. Ids with a comma are named in a file.",
    "With --batch the lines of --from are the members of one batch; what all members share, such as runner, priority " +
    "and after, is set by options only.",
    "A batch is many jobs under one id, which works wherever the id of a job does; its members are ID.1, ID.2 and so " +
    "on, each with its number in RUNNER_INDEX. --array, --param and --each together make all combinations. Values " +
    "are environment variables and are no part of the shell text, so that nothing needs quotes. The same batch with " +
    "the same --id goes on where an earlier command was interrupted.",
    "Durations are written 90, 90s, 5m, 2h, 1d or 1h30m; a bare number is seconds.",
  ],
  examples: [
    { command: "runner submit 'make test && make install'", does: "submit shell text" },
    {
      command: "runner submit --follow -- rsync -a 'My Files' /backup",
      does: "submit a command with its arguments, and show its output",
    },
    {
      command: "runner submit -n builder -e tmux.build.main -t 30m --script build.sh",
      does: "submit a script that runs in a named window",
    },
    {
      command: "runner submit --param lr=0.1,0.01 --param seed=1..5 'train --lr $lr --seed $seed'",
      does: "submit a batch of ten jobs, for all combinations",
    },
    { command: "runner submit --env LEVEL=3 --wait 'exit $LEVEL'", does: "wait for the job, and exit with 3" },
    { command: "runner submit --from jobs.jsonl", does: "submit many jobs" },
    { command: "runner submit --after 3f2a,77b1 'make deploy'", does: "start when both jobs have finished" },
    { command: "runner submit --max-queued 1000 make", does: "exit with 75 when 1,000 jobs already wait" },
  ],
  rows: SUBMIT_ROWS,
  needs: [
    { of: ["submit --dry-run"] },
    { net: true },
    { of: ["submit --script", "submit --env-file", "submit --from", "submit --each"], net: true, read: "that file" },
    {
      of: ["submit --follow"],
      net: true,
      env: ["XDG_STATE_HOME"],
      read: "spool, if it can",
      sys: ["uid"],
      spares: ["read", "sys"],
    },
  ],
  positionals: { min: 0, max: Infinity, what: "one text" },
  acceptsRest: true,
  run,
};
