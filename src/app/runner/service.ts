import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import { UnavailableError } from "../../domain/errors.ts";

/** A background loop of the runner. Tests call `tick`, never a timer. */
export interface Service {
  /** One round. */
  tick(): Promise<void>;
  /** Begins the rounds; a second call changes nothing. */
  start(): void;
  /** Ends after the round under way; may be called before `start`, and twice. */
  stop(): Promise<void>;
}

/** How a loop goes round. */
export interface LoopOptions {
  /** What the log calls it. */
  readonly name: string;
  readonly everyMs: number;
  /** Share of `everyMs` by which a pause may differ, so that many runners do not beat together; default 0. */
  readonly jitter?: number;
  readonly clock: Clock;
  readonly log: Log;
  /** Told when a round failed because Redis could not be reached. */
  readonly onOutage?: (error: UnavailableError) => void;
}

/** A service that calls one function again and again; a round that fails is logged and does not end it. */
export class Loop implements Service {
  readonly #work: () => Promise<void>;
  readonly #options: LoopOptions;
  #stopping = new AbortController();
  #running: Promise<void> | null = null;

  constructor(work: () => Promise<void>, options: LoopOptions) {
    this.#work = work;
    this.#options = options;
  }

  /** One round; never rejects. */
  async tick(): Promise<void> {
    const { name, log, onOutage } = this.#options;
    try {
      await this.#work();
    } catch (error) {
      if (error instanceof UnavailableError) onOutage?.(error);
      else log.error(`${name} failed`, { error: error instanceof Error ? error.message : String(error) });
    }
  }

  /** Begins the rounds. */
  start(): void {
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    const { everyMs, jitter = 0, clock } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await clock.sleep(everyMs * (1 + jitter * (2 * clock.random() - 1)), signal);
      if (!signal.aborted) await this.tick();
    }
  }

  /** Ends the rounds. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }
}
