/** Runs tasks one after the other, in the order of the calls. */
export class Mutex {
  #last: Promise<unknown> = Promise.resolve();
  #size = 0;

  /** Number of tasks that run or wait. */
  get size(): number {
    return this.#size;
  }

  /** Runs a task after those before it, however they ended. */
  run<T>(work: () => Promise<T>): Promise<T> {
    this.#size++;
    const mine = this.#last.then(work).finally(() => this.#size--);
    this.#last = mine.catch(() => {});
    return mine;
  }

  /** Resolves when the tasks so far have ended. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
