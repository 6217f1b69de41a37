import { inTime } from "../../../domain/in_time.ts";
import type { Lane } from "./lane.ts";
import type { TmuxOptions } from "../options.ts";
import { word } from "../quoting.ts";
import type { TmuxServer } from "../server/server.ts";
import type { Spool } from "../spool.ts";

/** Limit of one query, milliseconds: the script waits up to four seconds for lanes. */
const LIMIT = 6000;
/** Number of attempts, and the pause between two of them, milliseconds. */
const TRIES = 3, PAUSE = 1000;
/** Maximum number of lanes that one script waits for: a command line of tmux has a limit. */
const AT_ONCE = 400;

interface Question {
  readonly runs: Set<string>;
  readonly over: PromiseWithResolvers<void>;
}

/**
 * Finds the runs whose processes live. Each query starts a script, so it is for rare cases only: before a run that may
 * have begun is launched anew.
 */
export class Living {
  readonly #options: TmuxOptions;
  readonly #server: TmuxServer;
  readonly #spool: Spool;
  readonly #questions = new Map<string, Question>();
  #count = 0;
  #closed = false;
  /** Epoch of this process: replies to earlier ones may still arrive. */
  readonly #epoch: string;

  constructor(options: TmuxOptions, parts: { server: TmuxServer; spool: Spool; epoch: string }) {
    this.#options = options;
    this.#server = parts.server;
    this.#spool = parts.spool;
    this.#epoch = parts.epoch;
  }

  /**
   * Returns the names of the runs whose processes live; `null` when the host does not reply. First waits until the
   * processes of the lanes in `gone`, whose panes are gone, have ended.
   */
  async query(gone: readonly Lane[] = []): Promise<ReadonlySet<string> | null> {
    const { clock, log } = this.#options;
    if (this.#spool.isLost) return null; // the script went with the folder
    for (let tries = 0; tries < TRIES && !this.#closed; tries++) {
      if (tries > 0) await clock.sleep(PAUSE);
      try {
        let runs = await this.#query(gone.slice(0, AT_ONCE));
        // the last reply counts: by then all are gone
        for (let at = AT_ONCE; at < gone.length; at += AT_ONCE) runs = await this.#query(gone.slice(at, at + AT_ONCE));
        return runs;
      } catch (error) {
        log.warn("could not look for living runs", { error: String(error) });
      }
    }
    return null;
  }

  async #query(gone: readonly Lane[]): Promise<ReadonlySet<string>> {
    const name = `${this.#epoch}-${++this.#count}`;
    const question = { runs: new Set<string>(), over: Promise.withResolvers<void>() };
    question.over.promise.catch(() => {}); // the runner may end before anything waits for it
    this.#questions.set(name, question);
    try {
      const lanes = gone.flatMap(({ key, pid }) => [key, String(pid)]);
      await this.#server.shell(["sh", this.#spool.scripts.living, this.#spool.dir, name, ...lanes].map(word).join(" "));
      const isKnown = await inTime(question.over.promise, { clock: this.#options.clock, ms: LIMIT });
      if (!isKnown) throw new Error("the host did not answer");
      return question.runs;
    } finally {
      this.#questions.delete(name);
    }
  }

  /** Handles a line of a reply: a run that lives, or `.` at the end. */
  said(name: string, run: string): void {
    const question = this.#questions.get(name);
    if (run === ".") question?.over.resolve();
    else question?.runs.add(run);
  }

  /** Rejects all pending queries. */
  close(): void {
    this.#closed = true;
    for (const { over } of this.#questions.values()) over.reject(new Error("the runner ends"));
  }
}
