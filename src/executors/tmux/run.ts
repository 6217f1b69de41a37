import type { Launch } from "../../ports/executor.ts";
import type { Lane } from "./lane.ts";
import { LiveReader } from "./live_reader.ts";

/** An order to end a run. It stands until the end is there. */
export interface StopOrder {
  readonly kind: "timed_out" | "cancelled";
  readonly graceMs: number;
  /** Monotonic time at which tmux took it last; `null` as long as that is still to come. */
  givenAt: number | null;
  /** It is on its way. */
  giving: boolean;
  /** Monotonic time by which its terminal is closed, unless it has ended. */
  closeAt: number;
  /** Monotonic time before which the log says nothing more about it. */
  quietUntil: number;
}

/** A run that this process has launched or adopted, until it is forgotten. */
export class Run {
  readonly launch: Launch;
  /** What its marks carry: the same under every process of the runner. */
  readonly token: string;
  /**
   * `waiting`: no lane has been told; `sent`: its lane has been; `started`: the lane is known to have begun it;
   * `ended`: told. A run of an earlier process waits until it is found.
   */
  state: "waiting" | "sent" | "started" | "ended" = "waiting";
  lane: Lane | null = null;
  /** Monotonic time at which its lane was told; `null` when that was before this process, or is still to come. */
  firstAt: number | null = null;
  /** Monotonic time at which it had ended when this process came; else `null`. */
  endedAt: number | null = null;
  /** Launched by an earlier process. */
  adopted = false;
  /** Its lane has said that it did not run what the earlier process gave to it. */
  declined = false;
  /** It is to end. */
  order: StopOrder | null = null;
  /** Part of its output was not captured. */
  cut = false;
  /** Terminals that died before they had started it. */
  failures = 0;
  /** A kill script is, or may be, at it: how it ended stands in a file. */
  mayBeStopped = false;
  /** It could not enter its working directory. */
  outside = false;
  /** tmux ends it at its timeout, whether this process lives or not. */
  armed = false;
  timer: ReturnType<typeof setTimeout> | undefined;
  #live: { readonly lane: Lane; readonly reader: LiveReader } | null = null;

  constructor(launch: Launch, secret: string) {
    this.launch = launch;
    this.token = `${launch.name}.${secret}`;
  }

  get name(): string {
    return this.launch.name;
  }

  /** Whether its timeout is over: others than this process may have stopped it. */
  overdue(now: number): boolean {
    return this.launch.timeoutMs !== null && this.firstAt !== null && now - this.firstAt >= this.launch.timeoutMs;
  }

  /** Output so far, from the terminal's log. */
  async readLive(offset: number, limit: number): Promise<Uint8Array> {
    if (!this.lane || this.state === "waiting") return new Uint8Array();
    // a reader goes forwards only, in one log
    const { lane } = this;
    if (this.#live?.lane !== lane || offset < this.#live.reader.offset) {
      this.#live = { lane, reader: new LiveReader(lane.log, { position: lane.position, token: this.token }) };
    }
    return await this.#live.reader.read(offset, limit);
  }

  /** Whether the log of its terminal has the mark of its start: then the terminal shows nothing of an earlier run. */
  async marked(): Promise<boolean> {
    const { lane } = this;
    if (!lane || this.state === "waiting") return false;
    // not that of who follows the output, which may be far ahead
    const reader = new LiveReader(lane.log, { position: lane.position, token: this.token });
    await reader.read(0, 1);
    return reader.begun;
  }
}
