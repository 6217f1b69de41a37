import { UnavailableError } from "../domain/errors.ts";
import type { JobReply, OpenRequest } from "../ports/requests.ts";
import type { RunnerParts } from "./parts.ts";
import type { Attempts } from "./attempts.ts";
import type { InputWatch } from "./input_watch.ts";

/** Handles requests from any host about the terminals of this runner's jobs. Costs nothing while there are none. */
export class Requests {
  readonly #parts: RunnerParts;
  readonly #attempts: Attempts;
  readonly #inputWatch: Pick<InputWatch, "typed">;
  #serving: Promise<void> | null = null;
  #again = false;
  #stopped = false;
  constructor(parts: RunnerParts, attempts: Attempts, inputWatch: Pick<InputWatch, "typed">) {
    this.#parts = parts;
    this.#attempts = attempts;
    this.#inputWatch = inputWatch;
  }

  /** Starts to listen for requests. */
  start(): void {
    this.#parts.queue.onRequest(() => this.wake());
  }

  /** Serves all pending requests. Never rejects. */
  wake(): Promise<void> {
    this.#again = true;
    this.#serving ??= this.#serve().finally(() => this.#serving = null);
    return this.#serving;
  }

  /** Stops after the current request. */
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
          await queue.reply(open, await this.#replyTo(open));
          if (this.#stopped) return;
        }
      }
    } catch (error) {
      // the sender's timeout reports the failure; a new connection wakes this loop again
      if (!(error instanceof UnavailableError)) log.error("could not serve a request", { error: String(error) });
    }
  }

  async #replyTo({ id, token, request }: OpenRequest): Promise<JobReply> {
    const active = this.#attempts.ofJob(id);
    if (!active || active.ended || active.attempt.token !== token) return { type: "gone" };
    const { executor, attempt: { name } } = active;
    try {
      switch (request.type) {
        case "type": {
          if (!await executor.type(name, request)) return { type: "gone" };
          this.#parts.log.info("typed", { job: id, attempt: active.attempt.number });
          this.#inputWatch.typed(active);
          return { type: "typed" };
        }
        case "screen": {
          const screen = await executor.screen(name);
          return screen ? { type: "screen", screen } : { type: "gone" };
        }
        case "locate": {
          const place = await executor.locate(name);
          return place !== null ? { type: "place", place } : { type: "gone" };
        }
      }
    } catch (error) {
      return { type: "failed", why: error instanceof Error ? error.message : String(error) };
    }
  }
}
