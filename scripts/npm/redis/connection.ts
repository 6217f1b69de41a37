import type { RedisConnectOptions, RedisReply, RedisValue, SendCommandOptions } from "./api.ts";
import { encodeCommand, ReplyReader } from "./wire.ts";

/**
 * One TCP or TLS connection that sends a command when the one before it is answered; never connects again by itself.
 */
export class Connection {
  isConnected = false;
  onConnect: () => void = () => {};
  readonly #options: RedisConnectOptions;
  // unset until the first connect: a command or a close before it fails with a TypeError, as in the real package
  #conn!: Deno.Conn;
  #reader!: ReplyReader;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: RedisConnectOptions) {
    this.#options = options;
  }

  async connect(): Promise<void> {
    const { db, username, password } = this.#options;
    this.#conn = await dial(this.#options);
    this.#reader = new ReplyReader(this.#conn);
    this.isConnected = true;
    this.onConnect();
    try {
      if (password !== undefined) await this.#exchange("AUTH", username ? [username, password] : [password]);
      if (db) await this.#exchange("SELECT", [db]);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Waits its turn: the request is written when the reply of the one before it has been read. */
  sendCommand(command: string, args: RedisValue[] = [], options?: SendCommandOptions): Promise<RedisReply> {
    const turn = () => this.#exchange(command, args, options?.returnUint8Arrays);
    const reply = this.#last.then(turn, turn);
    this.#last = reply;
    return reply;
  }

  async #exchange(command: string, args: RedisValue[], asBytes?: boolean): Promise<RedisReply> {
    await this.write(command, args);
    return await this.read(asBytes);
  }

  async write(command: string, args: readonly RedisValue[]): Promise<void> {
    const request = encodeCommand(command, args);
    for (let sent = 0; sent < request.length;) sent += await this.#conn.write(request.subarray(sent));
  }

  read(asBytes?: boolean): Promise<RedisReply> {
    return this.#reader.read(asBytes);
  }

  close(): void {
    this.isConnected = false;
    try {
      this.#conn.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }
}

async function dial({ hostname, port, tls, caCerts, signal, noDelay }: RedisConnectOptions): Promise<Deno.Conn> {
  const target = { hostname, port, signal: signal?.() };
  if (tls || caCerts) return await Deno.connectTls({ ...target, caCerts });
  const conn = await Deno.connect(target);
  if (noDelay) conn.setNoDelay();
  return conn;
}
