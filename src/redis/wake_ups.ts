import { Mutex } from "../domain/mutex.ts";
import type { Clock } from "../ports/clock.ts";
import { Backoff } from "./backoff.ts";
import { connect, type Connection, type Listener, type Target } from "./client.ts";

/**
 * Wakes callers that wait for a message on a channel. All channels share one connection, made for the first caller and
 * made again when it breaks. A message may be missed: a caller must also poll now and then.
 */
export class WakeUps {
  readonly #target: Target;
  readonly #backoff: Backoff;
  readonly #closing = new AbortController();
  readonly #waiters = new Map<string, Set<() => void>>();
  #connection: Connection | null = null;
  #listener: Listener | null = null;
  #running = false;
  /** Serialises changes of the subscription: the library interleaves two at once. */
  readonly #changes = new Mutex();

  constructor(target: Target, clock: Clock) {
    this.#target = target;
    this.#backoff = new Backoff(clock);
  }

  /**
   * Calls `wake` for every message on the channel, and once when messages may have been missed.
   *
   * @returns A function that stops the calls.
   */
  listen(channel: string, wake: () => void): () => void {
    const others = this.#waiters.get(channel);
    if (others) {
      others.add(wake);
      queueMicrotask(wake);
    } else {
      this.#waiters.set(channel, new Set([wake]));
      this.#change((listener) => this.#add(listener, channel));
      if (!this.#running) this.#run();
    }
    return () => this.#leave(channel, wake);
  }

  /** Closes the connection; no caller is woken any more. */
  close(): void {
    this.#closing.abort();
    this.#waiters.clear();
    this.#connection?.close();
  }

  #leave(channel: string, wake: () => void): void {
    const waiters = this.#waiters.get(channel);
    if (!waiters?.delete(wake) || waiters.size > 0) return;
    this.#waiters.delete(channel);
    if (this.#waiters.size === 0) this.#connection?.close();
    else this.#change((listener) => listener.remove(channel));
  }

  /** Queues a change of the subscription. When it fails, the loop reconnects with all channels. */
  #change(change: (listener: Listener) => Promise<void>): void {
    const listener = this.#listener;
    if (!listener) return;
    this.#changes.run(() => change(listener)).catch(() => {
      if (listener === this.#listener) this.#connection?.close();
    });
  }

  async #add(listener: Listener, channel: string): Promise<void> {
    await listener.add(channel);
    for (const wake of this.#waiters.get(channel) ?? []) wake();
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#waiters.size > 0) {
      try {
        await this.#backoff.pause(this.#closing.signal);
        if (this.#waiters.size === 0) break;
        await this.#session();
      } catch {
        // callers poll meanwhile
      }
      if (this.#waiters.size > 0) this.#backoff.failed();
    }
    this.#running = false;
  }

  /** Serves all channels from a new connection to its end. */
  async #session(): Promise<void> {
    const connection = await connect(this.#target, this.#closing.signal);
    this.#connection = connection;
    try {
      const channels = [...this.#waiters.keys()];
      if (channels.length === 0) return;
      const listener = await connection.listen(channels);
      this.#listener = listener;
      for (const channel of this.#waiters.keys()) {
        if (!channels.includes(channel)) this.#change((listener) => this.#add(listener, channel));
      }
      for (const waiters of this.#waiters.values()) for (const wake of waiters) wake();
      for await (const channel of listener.messages) {
        this.#backoff.succeeded();
        for (const wake of this.#waiters.get(channel) ?? []) wake();
      }
    } finally {
      this.#listener = null;
      this.#connection = null;
      connection.close();
    }
  }
}
