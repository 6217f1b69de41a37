import type { Link } from "./link.ts";
import type { Script, ScriptCall } from "./script.ts";
import type { Items } from "./items.ts";

/** The most calls that one command carries by default. */
const MAX_CALLS = 128;
/** The most characters and bytes of their arguments together. */
const MAX_SIZE = 1 << 20;

interface Waiting extends ScriptCall {
  readonly done: PromiseWithResolvers<Items>;
}

/**
 * Batches calls of one script: those made while a command is in flight are sent together, as one command, in their
 * order. Each has its own reply, or its own error; when the command's reply is lost, all of them fail. A full command
 * is prepared while Redis is busy with the one before.
 */
export class Batch {
  readonly #link: Link;
  readonly #script: Script;
  readonly #maxCalls: number;
  #waiting: Waiting[] = [];
  #working = false;
  /** The command after the one in flight. */
  #next: Promise<void> | null = null;

  /** @param options `maxCalls`: the most calls of one command; Redis serves no other client meanwhile. */
  constructor(link: Link, script: Script, options: { readonly maxCalls?: number } = {}) {
    this.#link = link;
    this.#script = script;
    this.#maxCalls = options.maxCalls ?? MAX_CALLS;
  }

  /**
   * Runs the script and returns its reply without the final ".".
   *
   * @throws {UnavailableError} As `Link.run`.
   */
  run(keys: readonly string[], args: readonly (string | number)[]): Promise<Items> {
    const done = Promise.withResolvers<Items>();
    this.#waiting.push({ keys, args, done });
    if (!this.#working) this.#work();
    else if (this.#next === null && this.#waiting.length === this.#maxCalls) this.#next = this.#send();
    return done.promise;
  }

  async #work(): Promise<void> {
    this.#working = true;
    await Promise.resolve(); // calls of the same turn are sent together
    while (this.#next !== null || this.#waiting.length > 0) {
      const sent = this.#next ?? this.#send();
      this.#next = null;
      await sent;
    }
    this.#working = false;
  }

  /** Sends the waiting calls that fit into one command, after all that were sent before. */
  async #send(): Promise<void> {
    const calls = this.#waiting.splice(0, fitting(this.#waiting, this.#maxCalls));
    try {
      const replies = await this.#link.runMany(this.#script, calls);
      calls.forEach(({ done }, i) => {
        const reply = replies[i];
        if (reply instanceof Error) done.reject(reply);
        else done.resolve(reply);
      });
    } catch (error) {
      for (const { done } of calls) done.reject(error);
    }
  }
}

/** Returns how many calls, from the first on, fit into one command. */
function fitting(calls: readonly ScriptCall[], maxCalls: number): number {
  let size = 0;
  let count = 0;
  for (const { args } of calls) {
    for (const arg of args) size += typeof arg === "number" ? 8 : arg.length;
    if (count === maxCalls || count > 0 && size > MAX_SIZE) break;
    count++;
  }
  return count;
}
