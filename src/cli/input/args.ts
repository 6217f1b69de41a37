/** Parses command lines strictly. */
import { InvalidInputError } from "../../domain/errors.ts";
import { flagOf, type OptionRow, type OptionRows } from "../../settings/option_row.ts";
import type { Typed } from "../../settings/settings.ts";
import { suggest } from "../../settings/suggest.ts";

/** The arguments after the name of a command. */
export interface CommandLine {
  /** Options by key. */
  readonly typed: ReadonlyMap<string, Typed>;
  /** Positional arguments. */
  readonly positionals: readonly string[];
  /** Arguments after `--`; `null` without it. */
  readonly rest: readonly string[] | null;
}

interface Spelling {
  readonly key: string;
  readonly row: OptionRow;
}

function spellings(rows: OptionRows): Map<string, Spelling> {
  const all = new Map<string, Spelling>();
  for (const [key, row] of Object.entries(rows)) {
    const known = { key, row };
    all.set(flagOf(key), known);
    for (const alias of row.aliases ?? []) all.set(`--${alias}`, known);
    if (row.short) all.set(`-${row.short}`, known);
  }
  return all;
}

/**
 * Splits an argument into flag and attached value: `--name=value`, `-nvalue`, `-n=value`. Returns `null` for a
 * positional argument; a lone `-` is one, because it stands for standard input.
 */
function split(arg: string): { spelled: string; attached: string | undefined } | null {
  if (arg.length < 2 || !arg.startsWith("-")) return null;
  if (!arg.startsWith("--")) {
    const attached = arg.length === 2 ? undefined : arg.slice(arg[2] === "=" ? 3 : 2);
    return { spelled: arg.slice(0, 2), attached };
  }
  const equals = arg.indexOf("=");
  return equals < 0
    ? { spelled: arg, attached: undefined }
    : { spelled: arg.slice(0, equals), attached: arg.slice(equals + 1) };
}

function unknownOption(spelled: string, known: Map<string, Spelling>): InvalidInputError {
  const visible = [...known].filter(([, { row }]) => !row.hidden).map(([flag]) => flag);
  const near = suggest(spelled, visible.filter((flag) => flag.startsWith("--")));
  return new InvalidInputError(
    `Cannot use ${JSON.stringify(spelled)}: there is no such option${near ? `, perhaps you mean ${near}` : ""}`,
  );
}

/**
 * Parses the arguments of a command.
 *
 * @throws {InvalidInputError} An option is unknown, repeated, or has no value.
 */
export function parseCommandLine(args: readonly string[], rows: OptionRows): CommandLine {
  const known = spellings(rows);
  const typed = new Map<string, { spelled: string; texts: string[] }>();
  const positionals: string[] = [];
  for (let i = 0; i < args.length; i++) {
    if (args[i] === "--") return { typed, positionals, rest: args.slice(i + 1) };
    const option = split(args[i]);
    if (!option) {
      positionals.push(args[i]);
      continue;
    }
    const { spelled, attached } = option;
    const match = known.get(spelled);
    if (!match) throw unknownOption(spelled, known);
    const { key, row } = match;
    const texts = typed.get(key)?.texts ?? [];
    if (typed.has(key) && row.type !== "list") {
      throw new InvalidInputError(`Cannot use ${spelled} twice: ${flagOf(key)} takes one value`);
    }
    typed.set(key, { spelled, texts });
    if (row.type !== "flag") texts.push(attached ?? valueAfter(option, args[++i], match));
    else if (attached !== undefined) {
      throw new InvalidInputError(`Cannot use ${spelled} with a value: it takes none`);
    }
  }
  return { typed, positionals, rest: null };
}

/** Returns the argument after an option as its value. */
function valueAfter({ spelled }: { spelled: string }, next: string | undefined, { key, row }: Spelling): string {
  if (next !== undefined && !split(next)) return next;
  throw new InvalidInputError(
    `Cannot use ${spelled}: its ${row.value ?? "value"} is missing; write ${
      flagOf(key)
    }=VALUE for one that begins with "-"`,
  );
}

/**
 * Finds the name of the command, which global options may precede.
 *
 * @returns Its name, `null` when there is none, and the arguments without it.
 */
export function findCommand(
  args: readonly string[],
  globals: OptionRows,
): { name: string | null; args: readonly string[] } {
  const known = spellings(globals);
  for (let i = 0; i < args.length && args[i] !== "--"; i++) {
    const option = split(args[i]);
    if (!option) return { name: args[i], args: args.toSpliced(i, 1) };
    const row = known.get(option.spelled)?.row;
    if (row && row.type !== "flag" && option.attached === undefined) i++;
  }
  return { name: null, args };
}

/** A command line whose last word is being typed. */
export interface Unfinished {
  /** The options before that word. */
  readonly typed: ReadonlyMap<string, Typed>;
  /** The option of which the word is the value, and what precedes the value in the word: "", `--name=` or `-n`. */
  readonly value: { readonly row: OptionRow; readonly prefix: string } | null;
  /** Whether there was a `--`, after which no word is an option. */
  readonly over: boolean;
}

/** Reads an incomplete command line, in which any word may occur. */
export function parseUnfinished(words: readonly string[], rows: OptionRows): Unfinished {
  const known = spellings(rows);
  const typed = new Map<string, Typed>();
  let open: Spelling | null = null;
  for (const word of words.slice(0, -1)) {
    if (open) {
      typed.set(open.key, { spelled: flagOf(open.key), texts: [word] });
      open = null;
      continue;
    }
    if (word === "--") return { typed, value: null, over: true };
    const option = split(word);
    const match = option && known.get(option.spelled);
    if (!match) continue;
    if (match.row.type !== "flag" && option.attached === undefined) open = match;
    else typed.set(match.key, { spelled: option.spelled, texts: [option.attached ?? ""] });
  }
  if (open) return { typed, value: { row: open.row, prefix: "" }, over: false };
  const last = words.at(-1) ?? "";
  const { spelled, attached } = split(last) ?? {};
  const row = known.get(spelled ?? "")?.row;
  const value = row && row.type !== "flag" && attached !== undefined
    ? { row, prefix: last.slice(0, last.length - attached.length) }
    : null;
  return { typed, value, over: false };
}

/** Returns whether the unparsed arguments contain an option: help and the format of errors depend on it. */
export function hasFlag(args: readonly string[], flag: string): boolean {
  const dashes = args.indexOf("--");
  return (dashes < 0 ? args : args.slice(0, dashes)).includes(flag);
}

/** Puts together again the words of which bash makes several, at `=` and at `:`. */
export function joinBroken(words: readonly string[]): string[] {
  const joined: string[] = [];
  let isBroken = false;
  for (const word of words) {
    const breaks = /^[=:]+$/.test(word);
    if (joined.length > 0 && (breaks || isBroken && word !== "")) joined[joined.length - 1] += word;
    else joined.push(word);
    isBroken = breaks;
  }
  return joined;
}
