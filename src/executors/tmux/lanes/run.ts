import type { Launch } from "../../../ports/executor.ts";
import type { OutputPart } from "../../../domain/output.ts";
import type { Lane } from "./lane.ts";
import { LiveReader } from "../output/live_reader.ts";

/** Places at which the output of a run is read at the same time; a further one begins at its start again. */
const MAX_READERS = 6;

/** An order to stop a run. It stays in force until the run has ended. */
export interface StopOrder {
  readonly kind: "timed_out" | "cancelled";
  readonly graceMs: number;
  /** Monotonic time at which tmux last accepted it; `null` before that. */
  givenAt: number | null;
  /** It is being given to tmux. */
  giving: boolean;
  /** Monotonic time after which its terminal is closed, unless the run has ended. */
  closeAt: number;
  /** Monotonic time before which nothing more is logged about it. */
  quietUntil: number;
}

/** A run that this process has launched or adopted, until it is forgotten. */
export class Run {
  readonly launch: Launch;
  /** Token in its marks: the same under every process of the runner. */
  readonly token: string;
  /**
   * `waiting`: not sent to a lane; `sent`: sent to its lane; `started`: its lane has certainly begun it; `ended`: its
   * end is settled. A run of an earlier process is `waiting` until it is found.
   */
  state: "waiting" | "sent" | "started" | "ended" = "waiting";
  lane: Lane | null = null;
  /**
   * Monotonic time at which this process sent it to its lane; `null` before that, or when an earlier process did so.
   */
  firstAt: number | null = null;
  /** Monotonic time of its end, when it ended before this process adopted it; else `null`. */
  endedAt: number | null = null;
  /** Launched by an earlier process. */
  adopted = false;
  /** Its lane has reported that it did not run what the earlier process sent. */
  declined = false;
  /** Order to stop it; `null` when there is none. */
  order: StopOrder | null = null;
  /** Part of its output was not captured. */
  cut = false;
  /** Number of terminals that died before they started it. */
  failures = 0;
  /** A kill script works, or may work, on it: a file then says how it ended. */
  mayBeStopped = false;
  /** It could not enter its working directory. */
  outside = false;
  /** tmux ends it at its timeout, even without this process. */
  armed = false;
  timer: ReturnType<typeof setTimeout> | undefined;
  /** Its output is in a file of its own, as far as it was captured. */
  isStored = false;
  /** Readers of the log of `#readLane`, the last used first: clients read at other places than this process. */
  #readers: LiveReader[] = [];
  #readLane: Lane | null = null;

  constructor(launch: Launch, secret: string) {
    this.launch = launch;
    this.token = `${launch.name}.${secret}`;
  }

  get name(): string {
    return this.launch.name;
  }

  /** Returns whether its timeout has passed: then the deadline script may have stopped it as well as this process. */
  overdue(now: number): boolean {
    return this.launch.timeoutMs !== null && this.firstAt !== null && now - this.firstAt >= this.launch.timeoutMs;
  }

  /** Reads the output so far from the terminal's log. */
  async readLive(offset: number, limit: number): Promise<OutputPart> {
    if (!this.lane || this.state === "waiting") return { offset, bytes: new Uint8Array() };
    return await this.#readerFor(this.lane, offset).read(offset, limit);
  }

  /** A reader only moves forwards, in one log: of those that do not read now, the one nearest before the offset. */
  #readerFor(lane: Lane, offset: number): LiveReader {
    if (this.#readLane !== lane) [this.#readLane, this.#readers] = [lane, []];
    const [nearest] = this.#readers.filter((reader) => !reader.isReading && reader.offset <= offset)
      .sort((a, b) => b.offset - a.offset);
    const reader = nearest ?? new LiveReader(lane.log, { position: lane.position, token: this.token });
    this.#readers = [reader, ...this.#readers.filter((other) => other !== reader)].slice(0, MAX_READERS);
    return reader;
  }

  /** Returns whether its terminal's log has its start mark: then the terminal shows nothing of an earlier run. */
  async marked(): Promise<boolean> {
    const { lane } = this;
    if (!lane || this.state === "waiting") return false;
    // a separate reader: that of a client that follows the output may be far ahead
    const reader = new LiveReader(lane.log, { position: lane.position, token: this.token });
    await reader.read(0, 1);
    return reader.begun;
  }
}
