/** Values for one reader, in order; those that come before it begins to read wait for it. */
export class Channel<T> implements AsyncIterable<T> {
  #values: T[] = [];
  #changed = Promise.withResolvers<void>();
  #closed = false;

  push(value: T): void {
    this.#values.push(value);
    this.#changed.resolve();
  }

  /** Ends the reader when it has read what was pushed before. */
  close(): void {
    this.#closed = true;
    this.#changed.resolve();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      const values = this.#values;
      this.#values = [];
      yield* values;
      if (this.#values.length > 0) continue;
      if (this.#closed) return;
      await this.#changed.promise;
      this.#changed = Promise.withResolvers();
    }
  }
}
