import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import { UnavailableError } from "../../domain/errors.ts";

/** A background loop of the runner. Tests call `tick`, never a timer. */
export interface Service {
  /** One round. */
  tick(): Promise<void>;
  /** Begins the rounds; a second call changes nothing. */
  start(): void;
  /** Ends after the round under way, which is told to be short; may be called before `start`, and twice. */
  stop(): Promise<void>;
}

/** How a loop goes round. */
export interface LoopOptions {
  /** What the log calls it. */
  readonly name: string;
  /** Milliseconds between two rounds; `Infinity`: only when one is asked for. */
  readonly everyMs: number;
  /** Share of `everyMs` by which a pause may differ, so that many runners do not beat together; default 0. */
  readonly jitter?: number;
  /** Resolves when there is work to look for; without it there always may be. */
  readonly work?: () => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
  /** Told when a round failed because Redis could not be reached. */
  readonly onOutage?: (error: UnavailableError) => void;
}

/** The shortest pause between two rounds that were asked for, milliseconds. */
const GAP = 250;
/** Timers take no more than that, milliseconds. */
const LONGEST = 3_600_000;

/** A service that calls one function again and again; a round that fails is logged and does not end it. */
export class Loop implements Service {
  readonly #work: (signal: AbortSignal) => Promise<void>;
  readonly #options: LoopOptions;
  readonly #stopping = new AbortController();
  /** Ends the wait for work. */
  #release: () => void = () => {};
  #running: Promise<void> | null = null;
  /** Monotonic time of the next round, as far as it is known. */
  #next = Infinity;
  #alarm = new AbortController();

  /** `work` is one round; its signal aborts when the loop is to end. */
  constructor(work: (signal: AbortSignal) => Promise<void>, options: LoopOptions) {
    this.#work = work;
    this.#options = options;
  }

  /** What the log calls it. */
  get name(): string {
    return this.#options.name;
  }

  /** One round; never rejects. */
  async tick(): Promise<void> {
    const { name, log, onOutage } = this.#options;
    try {
      await this.#work(this.#stopping.signal);
    } catch (error) {
      if (error instanceof UnavailableError) onOutage?.(error);
      else log.error(`${name} failed`, { error: error instanceof Error ? error.message : String(error) });
    }
  }

  /** Begins the rounds. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Asks for a round in `ms` milliseconds at the latest, and soon after the last one at the earliest. */
  soon(ms = 0): void {
    const at = this.#options.clock.now() + ms;
    if (at >= this.#next) return;
    this.#next = at;
    this.#alarm.abort();
  }

  async #run(): Promise<void> {
    const { everyMs, jitter = 0, clock, work } = this.#options;
    while (!this.#stopping.signal.aborted) {
      if (work) await this.#some(work());
      const begun = clock.now();
      this.#next = Math.min(this.#next, begun + everyMs * (1 + jitter * (2 * clock.random() - 1)));
      while (!this.#stopping.signal.aborted) {
        const left = Math.max(this.#next, begun + Math.min(GAP, everyMs)) - clock.now();
        if (left <= 0) break;
        this.#alarm = new AbortController();
        await clock.sleep(Math.min(left, LONGEST), this.#alarm.signal);
      }
      this.#next = Infinity;
      if (!this.#stopping.signal.aborted) await this.tick();
    }
  }

  /** Waits for work. In a race with a promise that lasts, each round would leave something behind there. */
  #some(work: Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#release = resolve;
      work.then(resolve, reject);
    });
  }

  /** Ends the rounds. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#release();
    this.#alarm.abort();
    await this.#running;
  }
}
