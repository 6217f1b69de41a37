import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import { UnavailableError } from "../domain/errors.ts";
import { orAborted } from "../domain/or_aborted.ts";
import { messageOf } from "../domain/message_of.ts";
import { Alarm } from "./alarms.ts";

/** A background loop of the runner. Tests call `tick` and never wait for a timer. */
export interface Service {
  /** Runs one round. */
  tick(): Promise<void>;
  /** Starts the rounds; a second call has no effect. */
  start(): void;
  /** Stops after the current round, whose signal aborts. May be called before `start`, and twice. */
  stop(): Promise<void>;
}

/** Timing and reporting of a loop. */
export interface LoopOptions {
  /** What the log calls it. */
  readonly name: string;
  /** Milliseconds between two rounds; `Infinity` means only on request. */
  readonly everyMs: number;
  /** Share of `everyMs` by which a pause may differ, so that many runners do not act at the same moment; default 0. */
  readonly jitter?: number;
  /** Resolves when a round has work to do; without it, every round may have some. */
  readonly work?: () => Promise<void>;
  /** Others ask it for a round. */
  readonly alarm?: Alarm;
  /** The shortest pause between two rounds that were asked for, milliseconds; default 250. */
  readonly gapMs?: number;
  readonly clock: Clock;
  readonly log: Log;
  /** Called when a round failed because Redis could not be reached. */
  readonly onOutage?: (error: UnavailableError) => void;
}

/** Shortest pause between two requested rounds, milliseconds. */
const GAP = 250;
/** Longest duration of one timer, milliseconds. */
const LONGEST = 3_600_000;

/** A service that calls one function repeatedly. A round that fails is logged and does not end the loop. */
export class Loop implements Service {
  readonly #work: (signal: AbortSignal) => Promise<void>;
  readonly #options: LoopOptions;
  readonly #stopping = new AbortController();
  #running: Promise<void> | null = null;
  readonly #alarm: Alarm;

  /** @param work Runs one round; its signal aborts when the loop is to stop. */
  constructor(work: (signal: AbortSignal) => Promise<void>, options: LoopOptions) {
    this.#work = work;
    this.#options = options;
    this.#alarm = options.alarm ?? new Alarm(options.clock);
  }

  /** What the log calls it. */
  get name(): string {
    return this.#options.name;
  }

  /** Runs one round; never rejects. */
  async tick(): Promise<void> {
    const { name, log, onOutage } = this.#options;
    try {
      await this.#work(this.#stopping.signal);
    } catch (error) {
      if (error instanceof UnavailableError) onOutage?.(error);
      else log.error(`${name} failed`, { error: messageOf(error) });
    }
  }

  /** Starts the rounds. */
  start(): void {
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    const { everyMs, jitter = 0, gapMs = GAP, clock, work } = this.#options;
    while (!this.#stopping.signal.aborted) {
      if (work) await this.#orStop(work());
      const begun = clock.now();
      this.#alarm.soon(everyMs * (1 + jitter * (2 * clock.random() - 1)));
      while (!this.#stopping.signal.aborted) {
        const left = Math.max(this.#alarm.at, begun + Math.min(gapMs, everyMs)) - clock.now();
        if (left <= 0) break;
        await this.#alarm.wait(Math.min(left, LONGEST));
      }
      this.#alarm.clear();
      if (!this.#stopping.signal.aborted) await this.tick();
    }
  }

  /** Waits for work or the stop. */
  async #orStop(work: Promise<void>): Promise<void> {
    const { signal } = this.#stopping;
    await orAborted(work, signal).catch((error) => {
      if (!signal.aborted) throw error;
    });
  }

  /** Stops the rounds. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#alarm.wake();
    await this.#running;
  }
}
