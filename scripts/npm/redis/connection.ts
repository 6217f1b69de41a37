import type { RedisConnectionOptions, RedisConnectOptions, RedisReply, RedisValue, SendCommandOptions } from "./api.ts";
import { EOFError, ErrorReplyError, NotImplementedError } from "./errors.ts";
import { encodeCommand, ReplyReader } from "./wire.ts";

class AuthenticationError extends Error {}

const LOST = [
  Deno.errors.BadResource,
  Deno.errors.BrokenPipe,
  Deno.errors.ConnectionAborted,
  Deno.errors.ConnectionRefused,
  Deno.errors.ConnectionReset,
  Deno.errors.UnexpectedEof,
  EOFError,
];

/**
 * One TCP or TLS connection that sends a command when the one before it is answered; never connects again by itself.
 */
export class Connection {
  isClosed = false;
  isConnected = false;
  /** Called as soon as the TCP or TLS connection stands, before AUTH: that is when the real one subscribes again. */
  onConnect: () => void = () => {};
  readonly #options: RedisConnectOptions;
  // unset until the first connect: a command or a close before it fails with a TypeError, as in the real package
  #conn!: Deno.Conn;
  #reader!: ReplyReader;
  #connecting?: Promise<void>;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: RedisConnectOptions) {
    if (options.maxRetryCount !== 0) {
      throw new NotImplementedError(
        "this stand-in for @db/redis knows only maxRetryCount: 0",
      );
    }
    if (options.healthCheckInterval !== undefined) {
      throw new NotImplementedError(
        "this stand-in for @db/redis knows no healthCheckInterval",
      );
    }
    this.#options = options;
  }

  connect(): Promise<void> {
    return this.#connecting ??= this.#connect().finally(() => this.#connecting = undefined);
  }

  async #connect() {
    const { db, username, password, noDelay } = this.#options;
    const conn = await dial(this.#options);
    if (noDelay && "setNoDelay" in conn) (conn as Deno.TcpConn).setNoDelay();
    this.#conn = conn;
    this.#reader = new ReplyReader(conn);
    this.isClosed = false;
    this.isConnected = true;
    this.onConnect();
    try {
      if (password != null) await this.#authenticate(username, password);
      if (db) await this.#exchange("SELECT", [db]);
    } catch (error) {
      this.close();
      // the caller gets Redis's own answer, not the class that says where it came from
      throw error instanceof AuthenticationError ? error.cause : error;
    }
  }

  async #authenticate(username: string | undefined, password: string) {
    try {
      await this.#exchange(
        "AUTH",
        password && username ? [username, password] : [password],
      );
    } catch (cause) {
      throw cause instanceof ErrorReplyError ? new AuthenticationError("Authentication failed", { cause }) : cause;
    }
  }

  /** Waits its turn: the request is written when the reply of the one before it has been read. */
  sendCommand(
    command: string,
    args: RedisValue[] = [],
    options?: SendCommandOptions,
  ): Promise<RedisReply> {
    const turn = () => this.#exchange(command, args, options?.returnUint8Arrays);
    const reply = this.#last.then(turn, turn);
    this.#last = reply;
    return reply;
  }

  async #exchange(
    command: string,
    args: RedisValue[],
    asBytes?: boolean,
  ): Promise<RedisReply> {
    await this.write(command, args);
    return await this.#reader.read(asBytes);
  }

  async write(command: string, args: readonly RedisValue[]): Promise<void> {
    const request = encodeCommand(command, args);
    for (let sent = 0; sent < request.length;) {
      sent += await this.#conn.write(request.subarray(sent));
    }
  }

  /** Whatever Redis sends from now on; after a lost connection it tries one new one, and throws when that fails too. */
  async *replies(asBytes: boolean): AsyncIterableIterator<RedisReply> {
    while (this.isConnected) {
      let reply: RedisReply;
      try {
        reply = await this.#reader.read(asBytes);
      } catch (error) {
        if (this.isClosed) return;
        if (!LOST.some((type) => error instanceof type)) throw error;
        await this.#reconnect();
        continue;
      }
      yield reply;
    }
  }

  async #reconnect() {
    try {
      await this.sendCommand("PING");
    } catch {
      this.close();
      await this.connect();
      await this.sendCommand("PING");
    }
  }

  close(): void {
    this.isClosed = true;
    this.isConnected = false;
    try {
      this.#conn.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }
}

function dial(
  options: RedisConnectOptions & RedisConnectionOptions,
): Promise<Deno.Conn> {
  const { hostname, tls, caCerts } = options;
  const port = Number.parseInt(String(options.port ?? 6379));
  if (!Number.isSafeInteger(port)) throw new Error("Port is invalid");
  const target = { hostname, port, signal: options.signal?.() };
  return tls || caCerts != null ? Deno.connectTls({ ...target, caCerts }) : Deno.connect(target);
}
