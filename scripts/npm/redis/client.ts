import type { Redis, RedisReply, RedisSubscription, RedisValue, SendCommandOptions } from "./api.ts";
import type { Connection } from "./connection.ts";
import { Subscription } from "./subscription.ts";

/** Connects at the first command when `lazy`. */
export class Client implements Redis {
  readonly #connection: Connection;
  #begun: boolean;
  // deno-lint-ignore no-explicit-any
  #subscription?: Subscription<any>;

  constructor(connection: Connection, options: { lazy: boolean }) {
    this.#connection = connection;
    this.#begun = !options.lazy;
  }

  get isClosed(): boolean {
    return this.#connection.isClosed;
  }

  get isConnected(): boolean {
    return this.#connection.isConnected;
  }

  /**
   * Only the first caller waits for the connection: a second one that comes while it is made fails, as with the real
   * client.
   */
  async #begin() {
    if (this.#begun) return;
    this.#begun = true;
    if (!this.#connection.isConnected) await this.#connection.connect();
  }

  async sendCommand(
    command: string,
    args?: RedisValue[],
    options?: SendCommandOptions,
  ): Promise<RedisReply> {
    await this.#begin();
    return await this.#connection.sendCommand(command, args, options);
  }

  async subscribe<TMessage extends string | string[] = string>(
    ...channels: string[]
  ): Promise<RedisSubscription<TMessage>> {
    await this.#begin();
    this.#subscription ??= new Subscription<TMessage>(this.#connection);
    await this.#subscription.subscribe(...channels);
    return this.#subscription;
  }

  async psubscribe<TMessage extends string | string[] = string>(
    ...patterns: string[]
  ): Promise<RedisSubscription<TMessage>> {
    await this.#begin();
    this.#subscription ??= new Subscription<TMessage>(this.#connection);
    await this.#subscription.psubscribe(...patterns);
    return this.#subscription;
  }

  connect(): Promise<void> {
    return this.#connection.connect();
  }

  /** Does nothing before the first command, even when `connect` was called: that is the real client's behaviour. */
  close(): void {
    if (this.#begun) this.#connection.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
