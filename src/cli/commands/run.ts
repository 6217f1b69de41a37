import { EXIT } from "../../domain/exit_codes.ts";
import type { Command } from "../command.ts";
import type { OpenedRunner } from "../../compose/contract.ts";
import type { Context } from "../context.ts";
import { RUN_ROWS } from "../../settings/options.ts";

/**
 * Signals within this time after the first one are repeats, milliseconds: terminals and supervisors send duplicates.
 */
const REPEATS = 2000;

/** `runner run`. */
export const run: Command<typeof RUN_ROWS> = {
  name: "run",
  summary: "Run the jobs of a queue",
  usage: ["[OPTIONS]"],
  description: [
    "Runs until INT or TERM. Running jobs then go on in tmux, and the next runner of this name finishes them; with " +
    "--drain it waits for them. Another signal, two seconds later or more, stops it at once.",
    "With --burst it exits when the queue is empty and no job runs. A paused queue counts as empty: it reports how " +
    "many jobs wait there, and exits with 0.",
    "Jobs run in a tmux server of their own; `tmux -L runner-NAME attach -t SESSION` shows one.",
    "Of an output beyond --output-limit the host keeps about the first and the last half; a line feed counts as two " +
    "bytes, as in a terminal. The limit holds while the job runs, and without a runner. Ended outputs stay as long " +
    "as Redis keeps their jobs, together at most --output-total: then the oldest are removed. `runner logs` reports " +
    "what is missing.",
    "--on-end COMMAND runs in tmux when a job of this runner has reached its final state, once for each job. Its " +
    "environment describes the job: RUNNER_JOB_ID, RUNNER_STATE (finished or error), RUNNER_EXIT_CODE, " +
    "RUNNER_SIGNAL, RUNNER_ERROR, RUNNER_SECONDS, RUNNER_ATTEMPT, RUNNER_EXECUTOR, RUNNER_TITLE, RUNNER_CALLER_ID, " +
    "RUNNER_CONTEXT_ID, RUNNER_NAME, RUNNER_NAMESPACE. --on EVENTS --hook COMMAND does the same after the events " +
    "start, end, input_required and lost. Both read the facts as one line of JSON from standard input. Jobs do not " +
    "wait for it: four commands run at the same time, up to a thousand wait, and a failure is a line in the log.",
  ],
  examples: [
    {
      command: "runner run --name build --concurrency 8",
      does: "run jobs of the queue build, up to eight at the same time",
    },
    { command: "runner run --embedded-redis", does: "try it, with a private Redis" },
    { command: "runner run --burst", does: "run all jobs of the queue, then exit" },
    {
      command: `runner run --on-end 'test "$RUNNER_STATE" = finished || ` +
        `mail -s "$RUNNER_JOB_ID: $RUNNER_ERROR" me </dev/null'`,
      does: "send a mail for each job that fails",
    },
  ],
  rows: RUN_ROWS,
  needs: [
    {
      net: true,
      terminals: true,
      env: ["RUNNER_CRASH_AT", "XDG_STATE_HOME"],
      read: "spool, working folder",
      write: "spool",
      run: ["tmux"],
      sys: ["hostname", "uid"],
    },
    {
      of: ["run --embedded-redis"],
      besides: "run",
      read: "also the default spool",
      write: "also the default spool",
      run: ["redis-server"],
    },
  ],
  positionals: { min: 0, max: 0, what: "no arguments" },
  async run(context) {
    const runner = await context.compose.openRunner(context.settings);
    const stop = stopOrders(context);
    try {
      await Promise.race([runner.start(), stop.first]);
      await Promise.race([runner.ended(), stop.first]);
    } catch (error) {
      stop.dispose();
      await runner.stop().catch(() => {});
      throw error;
    }
    const code = await Promise.race([leave(context, runner, stop.now), whenAborted(stop.now).then(() => EXIT.failed)]);
    stop.dispose();
    return code;
  },
};

async function leave(context: Context<typeof RUN_ROWS>, runner: OpenedRunner, now: AbortSignal): Promise<number> {
  const { terminal, settings } = context;
  if (settings.drain && runner.running().length > 0) {
    const waiting = count(runner.running().length);
    const drained = runner.drain(now);
    await terminal.say(`runner: waiting for ${waiting}; a second signal leaves them to the next runner\n`);
    await drained;
  }
  const { running } = await runner.stop();
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

/** `first` resolves at the first signal; `now` aborts at a later one that is not a repeat. */
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
