/** Environment of the process: variables, and files that a user names. */
export interface Environment {
  /** Returns an environment variable; `undefined` when it is not set. */
  get(name: string): string | undefined;
  /**
   * Returns the content of a file; `null` when it does not exist.
   *
   * @throws {InvalidInputError} It exists but cannot be read.
   */
  readFile(path: string): Promise<Uint8Array | null>;
  /**
   * Returns the content of a file of any size in chunks; `null` when it does not exist.
   *
   * @throws {InvalidInputError} It exists but cannot be opened.
   */
  openFile(path: string): Promise<AsyncIterable<Uint8Array> | null>;
}
