/**
 * The terminals of runs, as people use them from elsewhere: to look, to type, and to know that somebody is waited for.
 *
 * @module
 */

/** What a terminal shows. */
export interface Screen {
  /** Its lines from the top, without spaces at their ends; empty ones at the bottom are left out. */
  readonly lines: readonly string[];
  /** Where the cursor stands, from 0. */
  readonly cursor: { readonly column: number; readonly row: number };
  readonly columns: number;
  readonly rows: number;
  /** What the terminal calls itself; may be empty. */
  readonly title: string;
}

/** What is typed. */
export interface Typed {
  readonly bytes: Uint8Array;
  /** Enter is pressed after them: a key of its own, apart from the text. */
  readonly enter?: boolean;
}

/** The terminals of runs that run now. */
export interface AttemptTerminals {
  /**
   * Types bytes into the terminal of a run, exactly as they are; what it shows and who looks at it make no difference.
   * Lines of text are one paste to a program that asked for bracketed paste. `false`: it has none: it has ended, or
   * waits behind another one.
   */
  type(name: string, typed: Typed): Promise<boolean>;
  /** What the terminal of a run shows; `null`: it has none. */
  screen(name: string): Promise<Screen | null>;
  /** Where the terminal of a run is, in words that viewers of the same kind understand; `null`: it has none. */
  locate(name: string): Promise<string | null>;
  /**
   * Those of some runs that wait for somebody to type: a program of theirs reads from the terminal, and waits for
   * nothing else. Where the system does not tell, none.
   */
  reading(attempts: readonly string[]): Promise<ReadonlySet<string>>;
}
