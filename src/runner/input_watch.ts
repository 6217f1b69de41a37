import type { LiveAttempts } from "../ports/queue.ts";
import type { Executor } from "../ports/executor.ts";
import type { ActiveAttempt, RunnerParts } from "./parts.ts";
import type { Attempts } from "./attempts.ts";
import type { Hooks } from "./hooks.ts";

/** Pause between two rounds, milliseconds. A round only compares numbers as long as no job is quiet. */
export const INPUT_EVERY = 1000;
/** Time without output after which a job is polled, milliseconds. The pause until the next poll doubles each time. */
const QUIET = 4000;
/** Longest pause between two polls of a job that does not wait for input, milliseconds. */
const LONGEST_PAUSE = 60_000;
/** Longest pause between two polls of a job that waits for input, milliseconds: an input may produce no output. */
const LONGEST_WAIT = 8000;
/** Characters of the terminal line that an event shows. */
const LINE_SHOWN = 200;

/** State of one watched attempt. */
interface Watched {
  /** Bytes of published output at the last round. */
  shown: number;
  /** True when its output is about to be published from the start, once more. */
  again: boolean;
  /** Monotonic time of the next poll. */
  nextMs: number;
  /** Milliseconds between the last poll and the next. */
  pauseMs: number;
  /** True when it was reported that the job waits, or may have been by an earlier process. */
  asks: boolean;
}

/** What it works with. */
type InputWatchParts = Pick<RunnerParts, "clock" | "log"> & { readonly queue: LiveAttempts };

/**
 * Detects jobs that wait for input: without output for a while, alive, and reading from their terminals. One round
 * covers all quiet jobs, and no job waits for it.
 */
export class InputWatch {
  readonly #parts: InputWatchParts;
  readonly #attempts: Attempts;
  readonly #hooks: Pick<Hooks, "inputRequired">;
  readonly #watched = new Map<ActiveAttempt, Watched>();

  constructor(parts: InputWatchParts, attempts: Attempts, hooks: Pick<Hooks, "inputRequired">) {
    this.#parts = parts;
    this.#attempts = attempts;
    this.#hooks = hooks;
  }

  /** Assumes that an earlier process reported each active attempt as waiting for input. */
  adopt(): void {
    for (const active of this.#attempts.all()) Object.assign(this.#watch(active), { asks: true, again: true });
  }

  /** Runs one round. */
  async tick(): Promise<void> {
    const now = this.#parts.clock.now();
    for (const active of this.#watched.keys()) if (active.ended) this.#watched.delete(active);
    const due = new Map<Executor, ActiveAttempt[]>();
    for (const active of this.#attempts.all()) {
      if (active.ended) continue;
      const watched = this.#watch(active);
      if (active.shown !== watched.shown) await this.#readLine(active);
      else if (now >= watched.nextMs) due.set(active.executor, [...due.get(active.executor) ?? [], active]);
    }
    for (const [executor, quiet] of due) await this.#poll(executor, quiet);
  }

  /**
   * Reports that the job continues after a client typed into its terminal; whether the input was sufficient is unknown.
   */
  typed(active: ActiveAttempt): void {
    if (!this.#watched.has(active)) return;
    this.#readLine(active).catch((error) => {
      this.#parts.log.warn("could not say that a job goes on", { job: active.attempt.id, error: String(error) });
    });
  }

  #watch(active: ActiveAttempt): Watched {
    let watched = this.#watched.get(active);
    if (!watched) {
      watched = { shown: 0, again: false, nextMs: active.sinceMs + QUIET, pauseMs: QUIET, asks: false };
      this.#watched.set(active, watched);
    }
    return watched;
  }

  /** Resets the quiet time after input or output of the terminal, and reports that the job continues. */
  async #readLine(active: ActiveAttempt): Promise<void> {
    const watched = this.#watch(active);
    watched.nextMs = this.#parts.clock.now() + QUIET;
    watched.pauseMs = QUIET;
    if (!watched.again) await this.#inputResolved(active, watched);
    watched.again = false;
    watched.shown = active.shown;
  }

  async #poll(executor: Executor, quiet: readonly ActiveAttempt[]): Promise<void> {
    const reading = await executor.reading(quiet.map(({ attempt }) => attempt.name));
    for (const active of quiet) {
      const watched = this.#watch(active);
      const waits = reading.has(active.attempt.name);
      const longest = waits ? LONGEST_WAIT : LONGEST_PAUSE;
      watched.pauseMs = Math.min(2 * watched.pauseMs, longest);
      watched.nextMs = this.#parts.clock.now() + watched.pauseMs;
      if (waits) await this.#inputRequired(active, watched);
      else await this.#inputResolved(active, watched);
    }
  }

  async #inputRequired(active: ActiveAttempt, watched: Watched): Promise<void> {
    const { queue, log } = this.#parts;
    const { attempt: { id, name, token, number: attempt }, executor } = active;
    const screen = await executor.screen(name);
    if (screen === null || active.ended) return;
    const above = screen.lines.slice(0, screen.cursor.row + 1).filter((line) => line.trim() !== "");
    const line = (above.at(-1) ?? "").trim().slice(0, LINE_SHOWN);
    await queue.inputRequired({ id, token }, line);
    if (!watched.asks) {
      log.info("input_required", { job: id, attempt });
      this.#hooks.inputRequired(active, line);
    }
    watched.asks = true;
  }

  async #inputResolved(active: ActiveAttempt, watched: Watched): Promise<void> {
    if (!watched.asks || active.ended) return;
    const { id, token, number: attempt } = active.attempt;
    const asked = await this.#parts.queue.inputResolved({ id, token });
    watched.asks = false;
    if (asked) this.#parts.log.info("input_resolved", { job: id, attempt });
  }
}
