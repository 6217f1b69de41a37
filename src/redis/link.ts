import { messageOf } from "../domain/message_of.ts";
import { Mutex } from "../domain/mutex.ts";
import type { Clock } from "../ports/clock.ts";
import { Backoff } from "./backoff.ts";
import {
  type Argument,
  connect,
  type Connection,
  DeadlineError,
  type Reply,
  ReplyError,
  type Target,
  within,
} from "./client.ts";
import type { Script, ScriptCall } from "./script.ts";
import { type Items, itemsOf } from "./items.ts";
import { findReason, reasonOf } from "./reason.ts";
import { type Context, fromReply, trouble, type TroubleError } from "./trouble.ts";

/** Milliseconds until a command must have its reply. */
const COMMAND_MS = 2_000;
/** The same for large commands, and the longest deadline on a slow network path. */
const LONG_MS = 30_000;
/** A command with more bytes of arguments is large. */
const LARGE = 1 << 20;
/** What to do about a Redis that was connected and sends no reply. */
const BUSY = "look whether its host is overloaded or stopped, and at the network";
/** The most commands that may wait for their turn. */
const MAX_WAITING = 1_000;

/** How to send one command. */
export interface CallOptions {
  /** Milliseconds until it must have its reply. */
  readonly ms?: number;
  /** Returns texts of the reply as bytes; else as UTF-8 with invalid bytes replaced. */
  readonly bytes?: boolean;
  /** Its name in messages; the command itself when left out. */
  readonly name?: string;
}

/**
 * One connection to Redis, made on first use and made again, after a pause, when it breaks. Commands are sent one after
 * the other. A command is never sent twice: only its caller can decide whether that is right.
 *
 * Every method rejects with `UnavailableError`; `sent` in it says whether the command may have been carried out.
 */
export class Link {
  readonly #target: Target;
  readonly #backoff: Backoff;
  readonly #address: string;
  readonly #closing = new AbortController();
  #connection: Connection | null = null;
  readonly #turns = new Mutex();
  /** Number of failures so far: a command that waited for its turn during one fails too. */
  #epoch = 0;
  /** Deadlines in a row that a command missed: a slow network path gets more time, command by command. */
  readonly #missed = new Map<string, number>();

  /** True once it was connected, or the reason why not was found. */
  #isExplained = false;

  readonly #onError: (code: string | undefined) => void;

  /** `onError` is called with the code of each error reply. */
  constructor(target: Target, clock: Clock, onError: (code: string | undefined) => void = () => {}) {
    this.#target = target;
    this.#onError = onError;
    this.#backoff = new Backoff(clock);
    const { hostname, port } = target.url;
    this.#address = hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
  }

  /** Sends a command. */
  async call(command: string, args: Argument[], options: CallOptions = {}): Promise<Reply> {
    const name = options.name ?? command;
    if (this.#turns.size >= MAX_WAITING) {
      throw this.#trouble(name, `${MAX_WAITING} commands wait for it already`, { sent: false });
    }
    const epoch = this.#epoch;
    return await this.#turns.run(async () => {
      if (epoch !== this.#epoch) throw this.#trouble(name, "the connection broke", { sent: false });
      return await this.#exchange(command, args, { ...options, name });
    });
  }

  /**
   * Runs a script and reads its reply: everything but the final ".".
   *
   * @throws {UnavailableError} Also when a key holds something that the script cannot work with; nothing was changed
   * then.
   */
  async run(script: Script, keys: readonly string[], args: readonly Argument[]): Promise<(string | number | null)[]> {
    const items = await this.runBytes(script, keys, args);
    return items.map(textOf) as (string | number | null)[];
  }

  /** Runs a script as `run` does, and returns the texts of the reply as bytes. */
  async runBytes(script: Script, keys: readonly string[], args: readonly Argument[]): Promise<Reply[]> {
    const reply = await this.#evaluate(script, keys, args);
    const items = Array.isArray(reply) ? reply : [];
    if (textOf(items.pop() ?? null) !== ".") throw this.#cut(script);
    const unfit = unfitness(script, items.slice(0, 4).map(textOf) as Items);
    if (unfit) throw unfit;
    return items;
  }

  /** Runs a script for several calls as one command; each has its own reply, or its own error. */
  async runMany(script: Script, calls: readonly ScriptCall[]): Promise<(Items | TroubleError)[]> {
    const positions = new Map<string, number>();
    const positionOf = (key: string) => positions.get(key) ?? positions.set(key, positions.size + 1).size;
    const packed = calls.map(({ keys, args }) => [keys.map(positionOf), args.map((arg) => String(arg).toWellFormed())]);
    const reply = await this.#evaluate(script.many, [...positions.keys()], [JSON.stringify(packed)]);
    const replies = readJson(textOf(reply));
    if (!Array.isArray(replies)) throw this.#cut(script);
    return replies.map((items: (string | number | false)[]) => {
      if (items[0] === "ERROR") return this.#meaning(String(items[1]), script.name).error;
      const texts = itemsOf(items);
      return unfitness(script, texts) ?? texts;
    });
  }

  async #evaluate(script: Script, keys: readonly string[], args: readonly Argument[]): Promise<Reply> {
    const rest = [keys.length, ...keys, ...args];
    const options = { name: script.name, bytes: true };
    try {
      return await this.call("EVALSHA", [await script.sha(), ...rest], options);
    } catch (error) {
      if ((error as Partial<TroubleError>).code !== "NOSCRIPT") throw error;
      return await this.call("EVAL", [script.text, ...rest], options);
    }
  }

  #cut(script: Script): TroubleError {
    this.#drop();
    return this.#trouble(script.name, "its reply was cut", { sent: true });
  }

  /** Closes the link for good; commands that wait on it reject. */
  close(): void {
    this.#closing.abort();
    this.#drop();
  }

  async #exchange(command: string, args: Argument[], options: CallOptions & { name: string }): Promise<Reply> {
    const { name, bytes = false } = options;
    const connection = this.#connection ?? await this.#connect(name);
    const missed = this.#missed.get(name) ?? 0;
    const base = options.ms ?? (isLarge(args) ? LONG_MS : COMMAND_MS);
    const ms = missed === 0 ? base : Math.max(base, Math.min(base * 2 ** missed, LONG_MS));
    try {
      const reply = await within(ms, connection.send(command, args), name);
      this.#backoff.succeeded();
      if (missed > 0) this.#missed.delete(name);
      return bytes ? reply : textOf(reply);
    } catch (error) {
      if (error instanceof ReplyError) {
        const { error: meaning, drop } = this.#meaning(error.message, name);
        if (drop) this.#drop();
        throw meaning;
      }
      if (error instanceof DeadlineError) this.#missed.set(name, missed + 1);
      // when the connection was dropped meanwhile, a newer one must stay
      if (this.#connection === connection) this.#drop();
      const late = error instanceof DeadlineError;
      const what = late ? `it did not answer within ${ms} ms` : this.#reason(error);
      throw this.#trouble(name, what, { sent: true, cause: error, ...late ? { remedy: BUSY } : {} });
    }
  }

  async #connect(name: string): Promise<Connection> {
    await this.#backoff.pause(this.#closing.signal);
    if (this.#closing.signal.aborted) throw this.#trouble(name, "the link was closed", { sent: false });
    try {
      this.#connection = await connect(this.#target, this.#closing.signal);
    } catch (error) {
      this.#drop();
      if (error instanceof ReplyError) {
        const meaning = this.#meaning(error.message, name).error;
        throw Object.assign(meaning, { sent: false });
      }
      // searched for only once, because a runner reconnects again and again
      const { says, remedy } = await (this.#isExplained || this.#closing.signal.aborted ? reasonOf : findReason)(
        error,
        this.#target,
        this.#closing.signal,
      );
      this.#isExplained = true;
      const what = this.#closing.signal.aborted ? "the link was closed" : says;
      throw this.#trouble(name, what, { sent: false, cause: error, remedy });
    }
    if (this.#closing.signal.aborted) {
      this.#drop();
      throw this.#trouble(name, "the link was closed", { sent: false });
    }
    this.#isExplained = true;
    return this.#connection;
  }

  #drop(): void {
    this.#epoch++;
    this.#connection?.close();
    this.#connection = null;
    this.#backoff.failed();
  }

  #reason(error: unknown): string {
    if (this.#closing.signal.aborted) return "the link was closed";
    return messageOf(error);
  }

  #trouble(name: string, what: string, facts: { sent: boolean; cause?: unknown; remedy?: string }): TroubleError {
    return trouble("unreachable", `Cannot run ${name}: Redis at ${this.#address} cannot be reached: ${what}`, facts);
  }

  #meaning(message: string, command: string) {
    const meaning = fromReply(message, this.#context(command));
    this.#onError(meaning.error.code);
    return meaning;
  }

  #context(command: string): Context {
    return { command, address: this.#address, user: this.#target.url.username ?? "default" };
  }
}

/** Returns the error of a script that cannot use a key; `null` when it can. */
function unfitness(script: Script, [type, key, found, wanted]: Items): TroubleError | null {
  if (type !== "UNFIT") return null;
  const message = `Cannot run ${script.name}: key ${
    JSON.stringify(key)
  } holds a ${found}, not a ${wanted}: delete it or use another namespace`;
  return trouble("unfit", message, { sent: true, code: "UNFIT" });
}

/** Parses a JSON text; `undefined` when it is none. */
function readJson(text: Reply): unknown {
  try {
    return JSON.parse(String(text));
  } catch {
    return undefined;
  }
}

/** Returns whether an error comes from an error reply with that code. */
export function hasCode(error: unknown, code: string): boolean {
  return (error as Partial<TroubleError>)?.code === code;
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Decodes the bytes of a reply as texts; unlike the library's decoding, this keeps a leading byte order mark. */
export function textOf(value: Reply): Reply {
  if (value instanceof Uint8Array) return decoder.decode(value);
  return Array.isArray(value) ? value.map(textOf) : value;
}

function isLarge(args: readonly Argument[]): boolean {
  let size = 0;
  for (const arg of args) size += typeof arg === "number" ? 8 : arg.length;
  return size > LARGE;
}
