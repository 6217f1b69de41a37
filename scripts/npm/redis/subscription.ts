import type { RedisPubSubMessage, RedisReply, RedisSubscription } from "./api.ts";
import type { Connection } from "./connection.ts";

/** A connection in subscriber mode. */
export class Subscription implements RedisSubscription {
  readonly #connection: Connection;
  readonly #channels = new Set<string>();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async subscribe(...channels: string[]): Promise<void> {
    await this.#connection.write("SUBSCRIBE", channels);
    for (const channel of channels) this.#channels.add(channel);
  }

  async unsubscribe(...channels: string[]): Promise<void> {
    await this.#connection.write("UNSUBSCRIBE", channels);
    for (const channel of channels) this.#channels.delete(channel);
  }

  /** After a lost connection it tries one new one, and throws when that fails too. */
  async *receive(): AsyncIterableIterator<RedisPubSubMessage> {
    const connection = this.#connection;
    // as soon as the TCP or TLS connection stands, so before AUTH: that is when the real one subscribes again
    connection.onConnect = () => this.subscribe(...this.#channels).catch(() => {});
    while (connection.isConnected) {
      let reply: RedisReply;
      try {
        reply = await connection.read();
      } catch {
        if (!connection.isConnected) return;
        connection.close();
        await connection.connect();
        continue;
      }
      // anything else is the answer to a command, such as "subscribe"
      if (!Array.isArray(reply) || reply[0] !== "message") continue;
      yield { channel: String(reply[1]), message: String(reply[2]) };
    }
  }
}
