import { type Retried, retryJob } from "../../client/retry.ts";
import { EXIT } from "../../domain/exit_codes.ts";
import { stateWord } from "../../domain/state_words.ts";
import { pasteWord } from "../../domain/shell_words.ts";
import { findAloud } from "../input/find_aloud.ts";
import type { Command } from "../command.ts";
import { printable, toJson } from "../view/text.ts";

/** Returns what prevents a new attempt, and what to do about it. */
function hindrance(id: string, retried: Exclude<Retried, { readonly result: "queued" | "waits" }>): string {
  if (retried.result === "not_ended") {
    return `it has not ended, it is ${
      printable(stateWord(retried.status))
    }; wait for its end, or stop it first: runner cancel ${pasteWord(id, "ID")}`;
  }
  const after = JSON.stringify(retried.after);
  return retried.state === "missing"
    ? `job ${after}, which must have finished first, no longer exists; submit it again without --after`
    : `job ${after}, which must have finished first, has ended with error; retry that one first: runner retry ${
      pasteWord(retried.after, "ID")
    }`;
}

const ROWS = {} as const;

/** `runner retry`. */
export const retry: Command<typeof ROWS> = {
  name: "retry",
  summary: "Run ended jobs again, each as a new attempt of the same job",
  usage: ["[OPTIONS] ID..."],
  description: [
    "The job keeps its id and goes back into its queue; its result, error and output are cleared. Only a job that " +
    "has ended can be run again. Other jobs are reported, and the exit code is 1.",
    "A job with --after waits again until that job has finished, and a job with --at until its time. If that job has " +
    "failed, retry it first.",
  ],
  examples: [
    { command: "runner retry @", does: "run the newest job again" },
    { command: "runner retry 3f2a 77b1", does: "run two jobs again, by the first letters of their ids" },
  ],
  rows: ROWS,
  needs: [{ net: true }],
  positionals: { min: 1, max: Infinity, what: "ids of jobs", completes: "jobs" },
  async run(context) {
    const { terminal, settings, positionals } = context;
    const redis = await context.store();
    const ids = await findAloud(context, positionals);
    let code: number = EXIT.ok;
    const open = [...ids];
    /** Number of jobs in a row that were postponed. */
    let putOff = 0;
    for (let id = open.shift(); id !== undefined; id = open.shift()) {
      const retried = await retryJob(redis, id);
      // the job that it waits for is named too, and goes first
      if (retried.result === "blocked" && open.includes(retried.after) && putOff++ < open.length) {
        open.push(id);
        continue;
      }
      putOff = 0;
      if (settings.json) await terminal.write(`${toJson({ id, ...retried })}\n`);
      if (retried.result === "queued" || retried.result === "waits") {
        const when = retried.result === "queued" ? "" : `, when job ${printable(retried.after)} has finished`;
        if (!settings.json) await terminal.say(`job ${printable(id)}: queued for a new attempt${when}\n`);
        continue;
      }
      code = EXIT.failed;
      await terminal.say(`runner: Cannot retry job ${JSON.stringify(id)}: ${hindrance(id, retried)}\n`);
    }
    return code;
  },
};
