/**
 * Remote use of the terminals of attempts: read the screen, type, and detect that an attempt waits for input.
 *
 * @module
 */

/** Content of a terminal screen. */
export interface Screen {
  /** Lines from the top, without trailing spaces; empty lines at the bottom are left out. */
  readonly lines: readonly string[];
  /** Position of the cursor, from 0. */
  readonly cursor: { readonly column: number; readonly row: number };
  /** Width in characters. */
  readonly columns: number;
  /** Height in lines. */
  readonly rows: number;
  /** Title of the terminal; may be empty. */
  readonly title: string;
}

/** Input for a terminal. */
export interface Typed {
  readonly bytes: Uint8Array;
  /** Whether Enter is pressed after the bytes: a separate key, no part of the text. */
  readonly enter?: boolean;
}

/** Terminals of attempts that run now; an attempt is identified by its name. */
export interface AttemptTerminals {
  /**
   * Types bytes into the terminal of an attempt, unchanged, whatever the screen shows and whether or not a person views
   * it. A program that asked for bracketed paste gets lines of text as one paste.
   *
   * @returns `false` when the attempt has no terminal: it has ended, or waits behind another attempt.
   */
  type(name: string, typed: Typed): Promise<boolean>;
  /** Returns the screen of an attempt's terminal; `null` when it has none. */
  screen(name: string): Promise<Screen | null>;
  /** Returns the location of an attempt's terminal in the format of viewers of this kind; `null` when it has none. */
  locate(name: string): Promise<string | null>;
  /**
   * Returns which of some attempts wait for input: one of their programs reads from the terminal and waits for nothing
   * else. The set is empty on systems that do not report this.
   */
  reading(attempts: readonly string[]): Promise<ReadonlySet<string>>;
}
