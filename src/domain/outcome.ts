import { formatDuration } from "./duration.ts";
import { EXIT } from "./exit_codes.ts";
import type { JobState } from "./lifecycle.ts";
import { signalOf } from "./signals.ts";

/** How an attempt ended. */
export type Outcome =
  /** `why`: its program was not started, for this reason. */
  | { readonly kind: "exited"; readonly code: number; readonly why?: string }
  | { readonly kind: "timed_out"; readonly seconds: number }
  | { readonly kind: "cancelled"; readonly reason: string }
  | { readonly kind: "lost"; readonly why: string }
  | { readonly kind: "failed"; readonly why: string };

/** Words for how a job ended; `skipped`: it never started because of another job. */
export const OUTCOMES = [
  "ok",
  "failed",
  "timed-out",
  "cancelled",
  "lost",
  "skipped",
] as const satisfies readonly OutcomeWord[];

/**
 * How a job ended, in a word.
 *
 * ```ts no-eval
 * import { Client, type OutcomeWord } from "@hero/runner";
 *
 * await using client = await Client.connect();
 * const bad: readonly OutcomeWord[] = ["failed", "timed-out", "lost"];
 * for await (const job of client.list({ outcomes: bad })) console.log(job.id, job.outcome);
 * ```
 */
export type OutcomeWord = "ok" | "failed" | "timed-out" | "cancelled" | "lost" | "skipped";

/** Returns the final state for an outcome: `finished` for exit code 0, `error` for all others. */
export function stateOf(outcome: Outcome): JobState {
  return outcome.kind === "exited" && outcome.code === 0 ? "finished" : "error";
}

/** Returns the text of the job's `error` field; empty for success. */
export function sentenceOf(outcome: Outcome): string {
  switch (outcome.kind) {
    case "exited": {
      if (outcome.code === 0) return "";
      const signal = signalOf(outcome.code);
      const said = signal ? `killed by signal ${signal.number} (${signal.name})` : `exited with code ${outcome.code}`;
      return outcome.why === undefined ? said : `${said}: ${outcome.why}`;
    }
    case "timed_out":
      return `timed out after ${
        Number.isInteger(outcome.seconds) ? `${outcome.seconds} s` : formatDuration(outcome.seconds)
      }`;
    case "cancelled":
      return outcome.reason === "" ? "cancelled" : `cancelled: ${outcome.reason}`;
    case "lost":
      return `lost: ${outcome.why}`;
    case "failed":
      return outcome.why;
  }
}

/** Returns the exit code with which `runner wait` reports an outcome. */
export function exitCodeOf(outcome: Outcome): number {
  switch (outcome.kind) {
    case "exited":
      return outcome.code;
    case "timed_out":
      return EXIT.timedOut;
    case "cancelled":
      return EXIT.cancelled;
    case "lost":
      return EXIT.lost;
    case "failed":
      return EXIT.failed;
  }
}
