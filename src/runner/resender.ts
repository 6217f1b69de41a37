import type { AttemptQueue } from "../ports/queue.ts";
import { metaNumber } from "../domain/job_meta.ts";
import { NO_OUTPUT, resultText } from "../domain/output.ts";
import type { JournalRecord } from "../ports/attempt_journal.ts";
import type { Launcher } from "./launcher.ts";
import { reassertionOf, type RunnerParts } from "./parts.ts";

/** What it works with. */
type ResenderParts = Pick<RunnerParts, "settings" | "executors"> & { readonly queue: AttemptQueue };

/** Reports ends again that Redis had acknowledged and may have forgotten. */
export class Resender {
  readonly #parts: ResenderParts;
  readonly #launcher: Launcher;

  constructor(parts: ResenderParts, launcher: Launcher) {
    this.#parts = parts;
    this.#launcher = launcher;
  }

  /** Reports the end of a record; one without an end is left alone. */
  async resend({ attempt, end }: JournalRecord): Promise<void> {
    const { queue, settings, executors } = this.#parts;
    if (end === null || end === "gone") return;
    const { retry, ...reported } = end;
    const executor = executors.get(this.#launcher.launchOf(attempt).target.split(".", 1)[0]);
    // an output that cannot be read is reported as cut
    const found = await executor?.sample(attempt.name).catch(() => null);
    // an empty output has no file that could say so
    const truncated = end.truncated || (found?.truncated ?? end.outputBytes > 0);
    const sample = { ...found ?? NO_OUTPUT, truncated };
    await queue.restore(reassertionOf(attempt), {
      ...reported,
      ...(end.result === undefined && truncated && { truncated }),
      id: attempt.id,
      token: attempt.token,
      result: end.result ?? resultText(sample),
      keep: metaNumber(attempt.meta.keep, settings.keep),
      retryDelayMs: retry ? 0 : null,
    });
  }
}
