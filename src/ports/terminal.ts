/** The three streams of the process. Writes wait until the reader has taken them. */
export interface Terminal {
  /** Which of the streams are a terminal. */
  readonly isTerminal: { readonly input: boolean; readonly output: boolean; readonly errors: boolean };
  /** Width of the terminal in columns; `null` when output goes elsewhere. */
  columns(): number | null;
  /** Height of the terminal in lines; `null` when output goes elsewhere. */
  rows(): number | null;
  /**
   * Calls back whenever its size has changed.
   *
   * @returns Ends that.
   */
  onResize(handler: () => void): () => void;
  /**
   * Writes data to standard output.
   *
   * @throws {Error} Named `BrokenPipe`: nobody reads any more.
   */
  write(data: string | Uint8Array): Promise<void>;
  /** Says something to a person, on standard error; a reader that went away is no error. */
  say(data: string | Uint8Array): Promise<void>;
  /** Standard input in pieces, to its end. */
  input(): AsyncIterable<Uint8Array>;
}
