import type { ChildProcess } from "../../ports/process.ts";
import { type ControlEvent, ControlParser } from "./protocol.ts";

/** How long a command may take, milliseconds; a server that does not answer by then is as good as gone. */
const DEADLINE = 10_000;

/** tmux refused a command. */
export class TmuxError extends Error {
  /** Name of the class. */
  override name = "TmuxError";
}

/** The connection has ended before the command was answered: it may have happened or not. */
export class GoneError extends Error {
  /** Name of the class. */
  override name = "GoneError";
}

interface Pending {
  readonly command: string;
  readonly answer: PromiseWithResolvers<readonly string[]>;
  readonly timer: ReturnType<typeof setTimeout>;
}

/** One connection in tmux' control mode. Commands are answered in order, any number at a time. */
export class ControlClient {
  readonly #child: ChildProcess;
  readonly #parser = new ControlParser();
  readonly #pending: Pending[] = [];
  readonly #ready = Promise.withResolvers<void>();
  readonly #onNotice: (name: string) => void;
  #over = false;
  /** Resolves when it has ended and nothing more will be said. */
  readonly ended: Promise<void>;

  /** `child` runs `tmux -C ...`; `onNotice` hears what happens in the server. */
  constructor(child: ChildProcess, onNotice: (name: string) => void) {
    this.#child = child;
    this.#onNotice = onNotice;
    this.#ready.promise.catch(() => {}); // told to whoever asks
    this.ended = this.#read();
  }

  /** Resolves when the server takes commands; rejects when it cannot be reached. */
  async ready(): Promise<void> {
    const timer = setTimeout(() => this.#child.kill(), DEADLINE);
    try {
      await this.#ready.promise;
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Sends a command line.
   *
   * @returns The lines of its answer.
   * @throws {TmuxError} tmux refused it.
   * @throws {GoneError} The connection has ended.
   */
  command(line: string): Promise<readonly string[]> {
    if (this.#over) return Promise.reject(new GoneError("the connection to tmux has ended"));
    const answer = Promise.withResolvers<readonly string[]>();
    const timer = setTimeout(() => this.#child.kill(), DEADLINE);
    this.#pending.push({ command: line, answer, timer });
    this.#child.write(new TextEncoder().encode(`${line}\n`)).catch(() => {}); // its end is noticed by the reader
    return answer.promise;
  }

  /** Whether it has ended. */
  get over(): boolean {
    return this.#over;
  }

  /** Ends the connection; the server goes on. */
  async close(): Promise<void> {
    const timer = setTimeout(() => this.#child.kill(), DEADLINE);
    await this.#child.end();
    await this.ended;
    clearTimeout(timer);
  }

  async #read(): Promise<void> {
    try {
      // to the very end: a server with words left for a client that is gone cannot end itself
      for await (const bytes of this.#child.output) {
        for (const event of this.#parser.push(bytes)) this.#take(event);
      }
    } catch {
      // killed: the same as its end
    }
    this.#over = true;
    const gone = new GoneError("the connection to tmux has ended");
    this.#ready.reject(gone);
    for (const { answer, timer } of this.#pending.splice(0)) {
      clearTimeout(timer);
      answer.reject(gone);
    }
    await this.#child.end();
    await this.#child.exited;
  }

  #take(event: ControlEvent): void {
    if (event.type === "notice") return this.#onNotice(event.name);
    if (!event.ours) {
      // the answer to the command line that made the connection
      if (event.ok) this.#ready.resolve();
      else this.#ready.reject(new TmuxError(event.lines.join(" ")));
      return;
    }
    const next = this.#pending.shift();
    if (!next) return;
    clearTimeout(next.timer);
    if (event.ok) next.answer.resolve(event.lines);
    else next.answer.reject(new TmuxError(`${next.command.split(" ", 1)[0]}: ${event.lines.join(" ")}`));
  }
}
