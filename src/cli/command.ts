import type { Context } from "./context.ts";
import type { Completed, OptionRow, OptionRows } from "./option_row.ts";

/** One command of the program: the content of its file in src/cli/commands. */
export interface Command<Rows extends OptionRows = Readonly<Record<string, OptionRow>>> {
  readonly name: string;
  /** What it does, in one sentence without a period. */
  readonly summary: string;
  /** What follows `runner NAME`, one line a form. */
  readonly usage: readonly string[];
  /** What the full help adds; paragraphs. */
  readonly description?: readonly string[];
  readonly examples: readonly { readonly command: string; readonly does: string }[];
  /** Its own options; they win over global ones with the same key or letter. */
  readonly rows: Rows;
  /** How many arguments that are no options it takes; `words`: the only ones that there are, for completions. */
  readonly positionals: {
    readonly min: number;
    readonly max: number;
    readonly what: string;
    readonly words?: readonly string[];
    /** What of Redis they are, for completions. */
    readonly completes?: Completed;
  };
  /**
   * It needs nothing from the environment and the configuration file, and works when those are wrong or may not be
   * read.
   */
  readonly bare?: true;
  /** Whether it takes arguments after `--`. */
  readonly takesRest?: boolean;
  /** Does the work; answers the exit code. */
  run(context: Context<Rows>): Promise<number>;
}
