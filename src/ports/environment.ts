/** What surrounds the process: variables, and files that a user names. */
export interface Environment {
  /** An environment variable; `undefined` when it is not set. */
  get(name: string): string | undefined;
  /**
   * The content of a file; `null` when there is none.
   *
   * @throws {InvalidInputError} It is there, but cannot be read.
   */
  readFile(path: string): Promise<Uint8Array | null>;
  /**
   * The content of a file piece by piece, whatever its size; `null` when there is none.
   *
   * @throws {InvalidInputError} It is there, but cannot be opened.
   */
  openFile(path: string): Promise<AsyncIterable<Uint8Array> | null>;
}
