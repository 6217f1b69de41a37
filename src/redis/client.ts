import { createLazyClient, ErrorReplyError, type Redis } from "jsr:@db/redis@^0.41.2";
import { MAX_TIMER } from "../domain/limits.ts";
import type { RedisAccess } from "../ports/redis_access.ts";
import { handshakes } from "./tls_probe.ts";
import { codeOf } from "./trouble.ts";
import type { RedisUrl } from "./url.ts";

/** An argument of a command. */
export type Argument = string | number | Uint8Array;
/** A reply. */
export type Reply = string | number | null | Uint8Array | Reply[];

/** Redis answered with an error; the connection is good. */
export class ReplyError extends Error {
  /** Name of the class. */
  override name = "ReplyError";
}

/** Something did not happen in time. */
export class DeadlineError extends Error {
  /** Name of the class. */
  override name = "DeadlineError";
}

/**
 * One connection, as plain as can be: it never connects again by itself. Any error but `ReplyError` means that it is of
 * no use.
 */
export interface Connection {
  /**
   * Sends a command when those before it are answered. Texts of the reply come as bytes, to be read before the next
   * command.
   */
  send(command: string, args: Argument[]): Promise<Reply>;
  /** From now on the connection carries messages of these channels and takes no more commands. */
  listen(channels: readonly string[]): Promise<Listener>;
  close(): void;
}

/** A connection that listens. */
export interface Listener {
  /** Listens to one more channel. */
  add(channel: string): Promise<void>;
  remove(channel: string): Promise<void>;
  /** Channel of every message; ends when the connection is closed, throws when it breaks. */
  readonly messages: AsyncIterable<string>;
}

/** Access to a Redis of a runner's own, for the programs of its user. */
export interface OwnAccess {
  /** With it, a server that does not know the proof is refused: another program may have taken over the address. */
  known: RedisAccess | null;
  /** Looks for it anew: the server may be another one by now. */
  find(): Promise<RedisAccess | null>;
  /** The file in which it stands, for messages. */
  readonly file: string;
}

/** The server at the address is not the Redis of a runner's own that was there. */
export class ForeignServerError extends Error {
  /** Name of the class. */
  override name = "ForeignServerError";
}

/** Where to connect, and how. */
export interface Target {
  readonly url: RedisUrl;
  /** Root certificates in PEM instead of the system's. */
  readonly caCerts?: readonly string[];
  /** Milliseconds until a connection must answer its first PING; 3,000 when left out. */
  readonly connectMs?: number;
  readonly own?: OwnAccess;
}

/**
 * How often, and after how many milliseconds each time, a connection is looked for that was given up while it was made.
 */
const LATE_LOOKS = 5;
const LATE_MS = 20;

/**
 * Connects. A server that wants a password, or another one, may be a Redis of a runner's own that has started since.
 *
 * @param signal Gives up.
 * @throws {ReplyError} Redis answered with an error.
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
    // a password that was chosen stays, the proof is new with each start
    if (!found || found.proof === known?.proof) throw known === null ? error : foreignServer(own);
    const connection = await dialAs(target, found, signal);
    own.known = found;
    return connection;
  }
}

function foreignServer({ file }: OwnAccess): ForeignServerError {
  return new ForeignServerError(
    `another program has the address of a Redis that a runner of this user started; start that runner again, or remove ${
      JSON.stringify(file)
    } when it is over`,
  );
}

/**
 * Name, TCP, TLS, AUTH, SELECT, PING and the proof within one deadline. The library's own covers only the first of
 * these.
 */
async function dialAs(target: Target, access: RedisAccess | null, signal?: AbortSignal): Promise<Connection> {
  if (target.url.tls) await probe(target, signal);
  const dial = new AbortController();
  const client = createClient(target, access, dial.signal);
  const greeting = greet(client, access);
  const close = closing(client, greeting, dial);
  const { promise: givenUp, reject } = Promise.withResolvers<never>();
  const giveUp = () => reject(new Error("it was given up"));
  signal?.addEventListener("abort", giveUp, { once: true });
  try {
    await within(target.connectMs ?? 3_000, Promise.race([greeting, givenUp]), "connecting");
    handshakes.answered(target.url);
  } catch (error) {
    if (target.url.tls && error instanceof DeadlineError) handshakes.unanswered(target.url);
    close();
    throw translate(error);
  } finally {
    signal?.removeEventListener("abort", giveUp);
  }
  if (signal?.aborted) close();
  return new ClientConnection(client, close);
}

/** Makes sure that a server which left a handshake unanswered answers again. */
async function probe({ url, connectMs = 3_000 }: Target, signal?: AbortSignal): Promise<void> {
  const over = new AbortController();
  const stop = () => over.abort();
  signal?.addEventListener("abort", stop, { once: true });
  try {
    await within(connectMs, handshakes.probe(url, over.signal), "connecting");
  } finally {
    signal?.removeEventListener("abort", stop);
    stop();
  }
}

/**
 * How to close a client, also while its connection is being made. Deno loses the socket for ever when it is told to
 * give up in the moment in which the connection stands. So it is given some turns to stand, and is closed then.
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
    let looks = 0;
    timer = setInterval(() => {
      if (!client.isConnected && ++looks < LATE_LOOKS) return;
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
    // a Redis that cannot save its data refuses even PING; it can be read, and is to say so itself when it is written
    // to
    if (!(error instanceof ErrorReplyError && codeOf(error.message) === "MISCONF")) throw error;
  }
  if (access === null) return;
  // what took over the address takes any password, and is not to give us work
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
      // a subscription would connect again by itself, and sends SUBSCRIBE before AUTH then
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
 * @throws {DeadlineError} It took longer; what becomes of the promise is ignored then.
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
