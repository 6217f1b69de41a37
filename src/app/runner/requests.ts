import { UnavailableError } from "../../domain/errors.ts";
import type { JobAnswer, OpenRequest } from "../../ports/requests.ts";
import type { ActiveRun, RunnerParts } from "./parts.ts";
import type { Runs } from "./runs.ts";

/**
 * Handles requests about the terminals of this runner's jobs, from any host. Costs nothing while there are none.
 */
export class Requests {
  readonly #parts: RunnerParts;
  readonly #runs: Runs;
  #serving: Promise<void> | null = null;
  #again = false;
  #stopped = false;
  /** Told when something was typed into the terminal of a run. */
  onTyped: (active: ActiveRun) => void = () => {};

  constructor(parts: RunnerParts, runs: Runs) {
    this.#parts = parts;
    this.#runs = runs;
  }

  /** Begins to listen. */
  start(): void {
    this.#parts.queue.onRequest(() => this.wake());
  }

  /** There may be requests: serves them. Never rejects. */
  wake(): Promise<void> {
    this.#again = true;
    this.#serving ??= this.#serve().finally(() => this.#serving = null);
    return this.#serving;
  }

  /** Ends with the request under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#serving;
  }

  async #serve(): Promise<void> {
    const { queue, log } = this.#parts;
    try {
      while (this.#again && !this.#stopped) {
        this.#again = false;
        for (let open = await queue.serve(); open !== null; open = await queue.serve()) {
          await queue.answer(open, await this.#answerTo(open));
          if (this.#stopped) return;
        }
      }
    } catch (error) {
      // whoever asked is told by the time; a new connection wakes us again
      if (!(error instanceof UnavailableError)) log.error("could not serve a request", { error: String(error) });
    }
  }

  async #answerTo({ id, token, request }: OpenRequest): Promise<JobAnswer> {
    const active = this.#runs.ofJob(id);
    if (!active || active.ended || active.intent.token !== token) return { type: "gone" };
    const { executor, intent: { run } } = active;
    try {
      switch (request.type) {
        case "type": {
          if (!await executor.type(run, request)) return { type: "gone" };
          this.#parts.log.info("typed", { job: id, attempt: active.intent.attempt });
          this.onTyped(active);
          return { type: "typed" };
        }
        case "screen": {
          const screen = await executor.screen(run);
          return screen ? { type: "screen", screen } : { type: "gone" };
        }
        case "locate": {
          const place = await executor.locate(run);
          return place !== null ? { type: "place", place } : { type: "gone" };
        }
      }
    } catch (error) {
      return { type: "failed", why: error instanceof Error ? error.message : String(error) };
    }
  }
}
