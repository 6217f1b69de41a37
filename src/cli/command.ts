import type { Context } from "./context.ts";
import type { Completed, OptionRow, OptionRows } from "../settings/option_row.ts";
import { GLOBAL_ROWS } from "../settings/options.ts";

/** Permissions of Deno for a command or some forms of it, which need nothing that is left out. */
export interface Need {
  /** The forms, as they are typed; the command itself when left out. */
  readonly of?: readonly string[];
  /** The form whose needs these have as well. */
  readonly besides?: string;
  /** Redis. */
  readonly net?: true;
  /** It opens terminals, and so reads the variables that their programs inherit. */
  readonly terminals?: true;
  /** Further variables; those of its options and of every command with settings are not named. */
  readonly env?: readonly string[];
  /** Which files, in words. */
  readonly read?: string;
  /** Which files, in words. */
  readonly write?: string;
  readonly run?: readonly string[];
  readonly sys?: readonly string[];
  /** Kinds that it can do without: then it shows what Redis has of an output. */
  readonly spares?: readonly ("read" | "sys")[];
}

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
  /** What it needs, in all its forms. */
  readonly needs: readonly Need[];
  /** Whether it accepts arguments after `--`. */
  readonly acceptsRest?: boolean;
  /** Runs the command and returns its exit code. */
  run(context: Context<Rows>): Promise<number>;
}

/** Returns the rows of a command, and the global ones without the letters that the command uses itself. */
export function rowsOf({ rows }: Pick<Command, "rows">): OptionRows {
  const taken = new Set(Object.values(rows).flatMap((row) => row.short ?? []));
  const globals = Object.entries(GLOBAL_ROWS as OptionRows).map(([key, row]) =>
    [key, row.short && taken.has(row.short) ? { ...row, short: undefined } : row] as const
  );
  return { ...Object.fromEntries(globals), ...rows };
}
