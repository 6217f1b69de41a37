import { createLazyClient, ErrorReplyError, type Redis } from "jsr:@db/redis@^0.41.2";
import { MAX_TIMER } from "../domain/limits.ts";
import { orAborted } from "../domain/or_aborted.ts";
import type { RedisAccess } from "../ports/redis_access.ts";
import { handshakes } from "./tls_probe.ts";
import { codeOf } from "./trouble.ts";
import type { RedisUrl } from "./url.ts";

/** An argument of a command. */
export type Argument = string | number | Uint8Array;
/** A reply to a command. */
export type Reply = string | number | null | Uint8Array | Reply[];

/** An error reply of Redis; the connection remains usable. */
export class ReplyError extends Error {
  /** Name of the class. */
  override name = "ReplyError";
}

/** The error of an operation that missed its deadline. */
export class DeadlineError extends Error {
  /** Name of the class. */
  override name = "DeadlineError";
}

/**
 * One plain connection, which never reconnects by itself. After any error but `ReplyError` it is unusable.
 */
export interface Connection {
  /**
   * Sends a command once those before it have their replies. Texts of the reply are bytes, to be read before the next
   * command.
   */
  send(command: string, args: Argument[]): Promise<Reply>;
  /** Subscribes to channels; from then on the connection accepts no more commands. */
  listen(channels: readonly string[]): Promise<Listener>;
  close(): void;
}

/** A connection that is subscribed to channels. */
export interface Listener {
  /** Subscribes to one more channel. */
  add(channel: string): Promise<void>;
  remove(channel: string): Promise<void>;
  /** The channel of every message; ends when the connection is closed, throws when it breaks. */
  readonly messages: AsyncIterable<string>;
}

/** Access to the embedded Redis of a runner, for the programs of its user. */
export interface OwnAccess {
  /** When set, a server that lacks the proof is refused: another program may have claimed the address. */
  known: RedisAccess | null;
  /** Reads the access again: the server may be another one by now. */
  find(): Promise<RedisAccess | null>;
  /** The file that holds it, for messages. */
  readonly file: string;
}

/** The server at the address is not the embedded Redis of a runner that was there. */
export class ForeignServerError extends Error {
  /** Name of the class. */
  override name = "ForeignServerError";
}

/** Where to connect, and how. */
export interface Target {
  readonly url: RedisUrl;
  /** Root certificates in PEM instead of the system's. */
  readonly caCerts?: readonly string[];
  /** Milliseconds until the first PING of a connection must have its reply; 3,000 when left out. */
  readonly connectMs?: number;
  readonly own?: OwnAccess;
}

/** How often a connection that was abandoned while it was being made is polled until it stands. */
const LATE_POLLS = 5;
/** Milliseconds between two such polls. */
const LATE_MS = 20;

/**
 * Connects. A server that requires a password, or another password, may be an embedded Redis that a runner has started
 * since.
 *
 * @param signal Aborts the attempt to connect.
 * @throws {ReplyError} Redis replies with an error.
 */
export async function connect(target: Target, signal?: AbortSignal): Promise<Connection> {
  const { own } = target;
  const known = own?.known ?? null;
  try {
    return await dialAs(target, known, signal);
  } catch (error) {
    const refused = error instanceof ReplyError && /^(NOAUTH|WRONGPASS)$/.test(codeOf(error.message));
    if (!own || !refused && !(error instanceof ForeignServerError)) throw error;
    const found = await own.find();
    // a password that a user chose stays the same; the proof is new with each start
    if (!found || found.proof === known?.proof) throw known === null ? error : foreignServer(own);
    const connection = await dialAs(target, found, signal);
    own.known = found;
    return connection;
  }
}

function foreignServer({ file }: OwnAccess): ForeignServerError {
  return new ForeignServerError(
    `another program has the address of a Redis that a runner of this user started; ` +
      `start that runner again, or remove ${JSON.stringify(file)} when it is over`,
  );
}

/**
 * Connects within one deadline: name, TCP, TLS, AUTH, SELECT, PING and the proof. The library's own deadline covers
 * only the first of these.
 */
async function dialAs(target: Target, access: RedisAccess | null, signal?: AbortSignal): Promise<Connection> {
  if (target.url.tls) await probe(target, signal);
  const dial = new AbortController();
  const client = createClient(target, access, dial.signal);
  const greeting = greet(client, access);
  const close = closing(client, greeting, dial);
  try {
    await within(target.connectMs ?? 3_000, orAborted(greeting, signal), "connecting");
    handshakes.answered(target.url);
  } catch (error) {
    if (target.url.tls && error instanceof DeadlineError) handshakes.unanswered(target.url);
    close();
    throw translate(error);
  }
  if (signal?.aborted) close();
  return new ClientConnection(client, close);
}

/** Waits until a server that left a handshake without a reply responds again. */
async function probe({ url, connectMs = 3_000 }: Target, signal?: AbortSignal): Promise<void> {
  const over = new AbortController();
  try {
    await within(connectMs, orAborted(handshakes.probe(url, over.signal), signal), "connecting");
  } finally {
    over.abort();
  }
}

/**
 * Returns a function that closes a client, also while its connection is being made. Deno leaks the socket for ever when
 * the abort comes at the moment at which the connection stands. So the connection gets some polls of time to stand, and
 * is closed then.
 */
function closing(client: Redis, greeting: Promise<unknown>, dial: AbortController): () => void {
  const end = () => {
    try {
      client.close();
    } catch {
      // it was never open
    }
  };
  let isOver = false;
  let isMade = false;
  let timer: ReturnType<typeof setInterval> | undefined;
  const settled = () => {
    isMade = true;
    clearInterval(timer);
    if (isOver) end();
  };
  greeting.then(settled, settled);
  return () => {
    const stands = client.isConnected;
    end();
    if (isOver || isMade || stands) return void (isOver = true);
    isOver = true;
    let polls = 0;
    timer = setInterval(() => {
      if (!client.isConnected && ++polls < LATE_POLLS) return;
      clearInterval(timer);
      if (!client.isConnected) dial.abort();
      end();
    }, LATE_MS);
  };
}

async function greet(client: Redis, access: RedisAccess | null): Promise<void> {
  try {
    if (await client.sendCommand("PING") !== "PONG") throw new Error("its answer to PING is not Redis'");
  } catch (error) {
    // a Redis that cannot save its data refuses even PING; it can be read, and reports the error itself on a write
    if (!(error instanceof ErrorReplyError && codeOf(error.message) === "MISCONF")) throw error;
  }
  if (access === null) return;
  // a program that has claimed the address accepts any password, and must not give us jobs
  const reply = await client.sendCommand("CONFIG", ["GET", "masterauth"]).catch((error) => {
    if (error instanceof ErrorReplyError) return null;
    throw error;
  });
  if (Array.isArray(reply) && reply[1] === access.proof) return;
  throw new ForeignServerError("it does not prove itself");
}

function createClient({ url, caCerts }: Target, access: RedisAccess | null, signal: AbortSignal): Redis {
  let dialled = false;
  const password = access?.password ?? url.password;
  return createLazyClient({
    hostname: url.hostname,
    port: url.port,
    maxRetryCount: 0,
    noDelay: true,
    ...(url.tls ? { tls: true } : {}),
    ...(url.tls && caCerts ? { caCerts: [...caCerts] } : {}),
    ...(password === undefined ? {} : { username: url.username, password }),
    ...(url.db === 0 ? {} : { db: url.db }),
    signal: () => {
      // a subscription would reconnect by itself, and then sends SUBSCRIBE before AUTH
      if (dialled) throw new Error("this connection is over");
      dialled = true;
      return signal;
    },
  });
}

class ClientConnection implements Connection {
  readonly #client: Redis;
  readonly close: () => void;

  constructor(client: Redis, close: () => void) {
    this.#client = client;
    this.close = close;
  }

  async send(command: string, args: Argument[]): Promise<Reply> {
    try {
      return await this.#client.sendCommand(command, args, BYTES) as Reply;
    } catch (error) {
      throw translate(error);
    }
  }

  async listen(channels: readonly string[]): Promise<Listener> {
    const subscription = await this.#client.subscribe(...channels);
    const messages = async function* () {
      try {
        for await (const { channel } of subscription.receive()) yield channel;
      } catch (error) {
        throw translate(error);
      }
    };
    return {
      add: (channel) => subscription.subscribe(channel),
      remove: (channel) => subscription.unsubscribe(channel),
      messages: messages(),
    };
  }
}

const BYTES = { returnUint8Arrays: true };

function translate(error: unknown): unknown {
  return error instanceof ErrorReplyError ? new ReplyError(error.message) : error;
}

/**
 * Waits for a promise, but not longer than `ms`.
 *
 * @throws {DeadlineError} The deadline passed; the outcome of the promise is then ignored.
 */
export async function within<T>(ms: number, promise: Promise<T>, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const fail = () => reject(new DeadlineError(`${what} took longer than ${ms} ms`));
    timer = setTimeout(fail, Math.min(ms, MAX_TIMER));
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
