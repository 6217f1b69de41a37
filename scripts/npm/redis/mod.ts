/**
 * Stands in for `@db/redis` where npm can be reached and JSR cannot: what this project uses of it, with the same types,
 * errors and faults. Facts measured on the real package decide what "same" means; see the comments beside them.
 */
import type { Redis, RedisApi, RedisReply, RedisSubscription, RedisValue, SendCommandOptions } from "./api.ts";
import { Connection } from "./connection.ts";
import { Subscription } from "./subscription.ts";

export type { Redis } from "./api.ts";
export { ErrorReplyError } from "./wire.ts";

/** Connects at the first command. */
class Client implements Redis {
  readonly #connection: Connection;
  #begun = false;

  constructor(connection: Connection) {
    this.#connection = connection;
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
    await this.#connection.connect();
  }

  async sendCommand(command: string, args?: RedisValue[], options?: SendCommandOptions): Promise<RedisReply> {
    await this.#begin();
    return await this.#connection.sendCommand(command, args, options);
  }

  async subscribe(...channels: string[]): Promise<RedisSubscription> {
    await this.#begin();
    const subscription = new Subscription(this.#connection);
    await subscription.subscribe(...channels);
    return subscription;
  }

  /** Does nothing before the first command: that is the real client's behaviour. */
  close(): void {
    if (this.#begun) this.#connection.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

export const createLazyClient: RedisApi["createLazyClient"] = (options) => new Client(new Connection(options));
