import type { BatchPlan } from "../client/plan_batch.ts";
import { planBatch } from "../client/plan_batch.ts";
import { submitBatch } from "../client/submit_batch.ts";
import type { Draft } from "../client/read_submission.ts";
import { UnavailableError } from "../domain/errors.ts";
import { EXIT } from "../domain/exit_codes.ts";
import { pasteWord } from "../domain/shell_words.ts";
import type { BatchSubmission } from "../ports/batches.ts";
import type { Trouble } from "../ports/queue.ts";
import { awaitJobs } from "./await_jobs.ts";
import type { SUBMIT_ROWS } from "./commands/submit.ts";
import type { Context } from "./context.ts";
import { hintAtRunner, hintAtWaiting } from "./hint_runner.ts";
import { draftJson } from "./view/dry_run.ts";
import { Progress } from "./view/progress.ts";
import { printable, toJson } from "./view/text.ts";

type SubmitContext = Context<typeof SUBMIT_ROWS>;

/** Writes what each member would be, one JSON object per line. */
async function showMembers({ terminal }: SubmitContext, batch: BatchSubmission): Promise<void> {
  for (let index = 1; index <= batch.size; index++) {
    const { env, own } = batch.member(index);
    const draft: Draft = { submission: { ...batch.shared, ...own, env, id: `${batch.id}.${index}` } };
    await terminal.write(`${toJson(draftJson(draft))}\n`);
  }
}

/** Says with an error how to go on. */
function resumable(error: unknown, id: string): unknown {
  if (!(error instanceof UnavailableError)) return error;
  const { condition, remedy, says } = error as Partial<Trouble>;
  const message = `${says === undefined ? error.message : `Cannot submit: ${says}`}; the same command with --id ${
    pasteWord(id, "ID")
  } goes on where this one ended`;
  return Object.assign(new UnavailableError(message, { cause: error }), { condition, remedy });
}

/** Queues a batch, prints its id, and waits for it with --wait. Returns the exit code. */
export async function queueBatch(context: SubmitContext, plan: BatchPlan): Promise<number> {
  const { terminal, settings, compose, color } = context;
  const { newId, checkExecutor } = compose;
  // errors that need no Redis are reported without a connection
  const options = { nowMs: 0, newId, checkExecutor };
  const dry = planBatch(plan, options);
  if (settings.dryRun) {
    await showMembers(context, dry);
    return EXIT.ok;
  }
  const store = await context.store();
  const batch = plan.draft.delay === undefined ? dry : planBatch(plan, { ...options, nowMs: await store.time() });
  const progress = new Progress(context, "members queued", batch.size);
  let queued: boolean;
  try {
    ({ queued } = await submitBatch(store, batch, {
      maxQueued: settings.maxQueued,
      onStored: (stored) => progress.update(stored, batch.size),
    }));
  } catch (error) {
    throw resumable(error, batch.id);
  } finally {
    await progress.end();
  }
  await terminal.write(settings.json ? `${toJson({ id: batch.id, queued, size: batch.size })}\n` : `${batch.id}\n`);
  if (!queued) await terminal.say(`runner: batch ${printable(batch.id)} is already there; nothing was queued\n`);
  if (!settings.wait) {
    await hintAtRunner(context, store, [batch.shared.runner]);
    return EXIT.ok;
  }
  await hintAtWaiting(context, store, [`${batch.id}.1`]);
  return await awaitJobs({ terminal, compose, color, json: settings.json }, store, [batch.id]);
}
