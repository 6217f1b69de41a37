import { EXIT } from "../../domain/exit_codes.ts";
import type { Command } from "../command.ts";
import type { Context, Worker } from "../context.ts";
import { RUN_ROWS } from "../options.ts";

/**
 * Signals that follow the first one within this time, milliseconds, are repeats: terminals and supervisors send
 * doubles.
 */
const REPEATS = 2000;

/** `runner run`. */
export const run: Command<typeof RUN_ROWS> = {
  name: "run",
  summary: "Take jobs of a queue and run them",
  usage: ["[OPTIONS]"],
  description: [
    "Runs until INT or TERM. Jobs that run then go on in tmux, and the next runner of this name finishes them; with --drain " +
    "it waits for them. Another signal, two seconds later or more, stops it at once.",
    "With --burst it ends when the queue is empty and nothing runs. A paused queue counts as empty: it says how many jobs wait " +
    "there, and exits 0.",
    "Jobs run in a tmux server of their own; `tmux -L runner-NAME attach -t SESSION` shows one.",
    "--on-end COMMAND runs in tmux when a job of this runner has ended for good, once for each. Its environment says which and " +
    "how: RUNNER_JOB_ID, RUNNER_STATE (finished or error), RUNNER_EXIT_CODE, RUNNER_SIGNAL, RUNNER_ERROR, RUNNER_SECONDS, " +
    "RUNNER_ATTEMPT, RUNNER_EXECUTOR, RUNNER_TITLE, RUNNER_CALLER_ID, RUNNER_CONTEXT_ID, RUNNER_NAME, RUNNER_NAMESPACE. No job " +
    "waits for it: four run side by side, up to a thousand wait, and its failure is a line in the log.",
  ],
  examples: [
    { command: "runner run --name build --concurrency 8", does: "run jobs of the queue build, eight side by side" },
    { command: "runner run --embedded-redis", does: "a first try, with a Redis of its own" },
    { command: "runner run --burst", does: "empty the queue, then exit" },
    {
      command:
        `runner run --on-end 'test "$RUNNER_STATE" = finished || mail -s "$RUNNER_JOB_ID: $RUNNER_ERROR" me </dev/null'`,
      does: "a letter for each job that fails",
    },
  ],
  rows: RUN_ROWS,
  positionals: { min: 0, max: 0, what: "no arguments" },
  async run(context) {
    const worker = await context.compose.openWorker(context.settings);
    const stop = stopOrders(context);
    try {
      await Promise.race([worker.start(), stop.first]);
      await Promise.race([worker.ended(), stop.first]);
    } catch (error) {
      stop.dispose();
      await worker.stop().catch(() => {});
      throw error;
    }
    const code = await Promise.race([leave(context, worker, stop.now), whenAborted(stop.now).then(() => EXIT.failed)]);
    stop.dispose();
    return code;
  },
};

async function leave(context: Context<typeof RUN_ROWS>, worker: Worker, now: AbortSignal): Promise<number> {
  const { terminal, settings } = context;
  if (settings.drain && worker.running().length > 0) {
    const waiting = count(worker.running().length);
    const drained = worker.drain(now);
    await terminal.say(`runner: waiting for ${waiting}; a second signal leaves them to the next runner\n`);
    await drained;
  }
  const { running } = await worker.stop();
  if (running.length > 0) {
    await terminal.say(
      `runner: left ${count(running.length)} in tmux; the next runner "${settings.name}" finishes what goes on there\n`,
    );
  }
  return EXIT.ok;
}

function count(jobs: number): string {
  return jobs === 1 ? "1 running job" : `${jobs} running jobs`;
}

function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

/** `first` resolves at the first signal; `now` aborts at a later one that is no repeat. */
function stopOrders({ compose }: Context<typeof RUN_ROWS>) {
  const first = Promise.withResolvers<void>();
  const now = new AbortController();
  let since: number | null = null;
  const dispose = compose.onSignals(() => {
    if (since === null) {
      since = compose.clock.now();
      first.resolve();
    } else if (compose.clock.now() - since > REPEATS) now.abort();
  });
  return { first: first.promise, now: now.signal, dispose };
}
