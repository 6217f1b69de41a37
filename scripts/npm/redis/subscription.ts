import type { Binary, RedisPubSubMessage, RedisReply, RedisSubscription } from "./api.ts";
import type { Connection } from "./connection.ts";

const decoder = new TextDecoder();
const name = (value: RedisReply) => value instanceof Uint8Array ? decoder.decode(value) : String(value);

/** A connection in subscriber mode. */
export class Subscription<TMessage extends string | string[]> implements RedisSubscription<TMessage> {
  readonly #connection: Connection;
  readonly #channels = new Set<string>();
  readonly #patterns = new Set<string>();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  get isClosed(): boolean {
    return this.#connection.isClosed;
  }

  async subscribe(...channels: string[]): Promise<void> {
    await this.#connection.write("SUBSCRIBE", channels);
    channels.forEach((channel) => this.#channels.add(channel));
  }

  async unsubscribe(...channels: string[]): Promise<void> {
    await this.#connection.write("UNSUBSCRIBE", channels);
    channels.forEach((channel) => this.#channels.delete(channel));
  }

  async psubscribe(...patterns: string[]): Promise<void> {
    await this.#connection.write("PSUBSCRIBE", patterns);
    patterns.forEach((pattern) => this.#patterns.add(pattern));
  }

  async punsubscribe(...patterns: string[]): Promise<void> {
    await this.#connection.write("PUNSUBSCRIBE", patterns);
    patterns.forEach((pattern) => this.#patterns.delete(pattern));
  }

  receive(): AsyncIterableIterator<RedisPubSubMessage<TMessage>> {
    return this.#messages<TMessage>(false);
  }

  receiveBuffers(): AsyncIterableIterator<RedisPubSubMessage<Binary>> {
    return this.#messages<Binary>(true);
  }

  close(): void {
    this.#connection.close();
  }

  async *#messages<T>(
    asBytes: boolean,
  ): AsyncIterableIterator<RedisPubSubMessage<T>> {
    this.#connection.onConnect = () => void this.#restore();
    try {
      for await (const reply of this.#connection.replies(asBytes)) {
        // anything else is the answer to a command, such as "subscribe" or "pong"
        if (!Array.isArray(reply)) continue;
        const [kind, first, second, third] = reply;
        if (name(kind) === "message" && reply.length === 3) {
          yield { channel: name(first), message: second as T };
        } else if (name(kind) === "pmessage" && reply.length === 4) {
          yield {
            pattern: name(first),
            channel: name(second),
            message: third as T,
          };
        }
      }
    } finally {
      this.#connection.onConnect = () => {};
    }
  }

  async #restore() {
    if (this.#channels.size > 0) await this.subscribe(...this.#channels);
    if (this.#patterns.size > 0) await this.psubscribe(...this.#patterns);
  }
}
