import type { Context } from "./context.ts";
import type { Completed, OptionRow, OptionRows } from "../settings/option_row.ts";

/** A command of the program, defined in a file of src/cli/commands. */
export interface Command<Rows extends OptionRows = Readonly<Record<string, OptionRow>>> {
  readonly name: string;
  /** What it does, in one sentence without a period. */
  readonly summary: string;
  /** The arguments after `runner NAME`, one line per form. */
  readonly usage: readonly string[];
  /** Paragraphs that only the full help shows. */
  readonly description?: readonly string[];
  readonly examples: readonly { readonly command: string; readonly does: string }[];
  /** Its own options; they override global ones with the same key or letter. */
  readonly rows: Rows;
  /** Number of positional arguments that it accepts; `words` lists all possible ones, for completions. */
  readonly positionals: {
    readonly min: number;
    readonly max: number;
    readonly what: string;
    readonly words?: readonly string[];
    /** The kind of Redis data that they name, for completions. */
    readonly completes?: Completed;
  };
  /** It reads neither environment nor configuration file, and so works when those are wrong or must not be read. */
  readonly bare?: true;
  /** Whether it accepts arguments after `--`. */
  readonly acceptsRest?: boolean;
  /** Runs the command and returns its exit code. */
  run(context: Context<Rows>): Promise<number>;
}
