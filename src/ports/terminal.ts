/** The three standard streams of the process. A write resolves once all data is written to the stream. */
export interface Terminal {
  /** Which of the streams are a terminal. */
  readonly isTerminal: { readonly input: boolean; readonly output: boolean; readonly errors: boolean };
  /** Returns the width of the terminal in columns; `null` when output is no terminal. */
  columns(): number | null;
  /** Returns the height of the terminal in lines; `null` when output is no terminal. */
  rows(): number | null;
  /**
   * Calls `handler` whenever the size of the terminal has changed.
   *
   * @returns Removes the handler.
   */
  onResize(handler: () => void): () => void;
  /**
   * Writes data to standard output.
   *
   * @throws {Error} Named `BrokenPipe`: the reader has closed its end.
   */
  write(data: string | Uint8Array): Promise<void>;
  /** Writes a message for a person to standard error; a closed reader is no error. */
  say(data: string | Uint8Array): Promise<void>;
  /** Reads standard input in chunks, to its end. */
  input(): AsyncIterable<Uint8Array>;
}
