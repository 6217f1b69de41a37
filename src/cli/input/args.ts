/** Parses command lines strictly; the only file that imports `@std/cli`. */
import { parseArgs } from "jsr:@std/cli@^1.0.32/parse-args";
import { InvalidInputError } from "../../domain/errors.ts";
import { flagOf, type OptionRow, type OptionRows } from "../../settings/option_row.ts";
import type { Typed } from "../../settings/settings.ts";
import { suggest } from "../../settings/suggest.ts";

export type { ProgressBar } from "jsr:@std/cli@^1.0.32/unstable-progress-bar";

/** Loads the progress bar on demand: most commands end before they need it. */
export async function loadProgressBar() {
  const { ProgressBar } = await import("jsr:@std/cli@^1.0.32/unstable-progress-bar");
  return ProgressBar;
}
export { unicodeWidth } from "jsr:@std/cli@^1.0.32/unicode-width";

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
 * Rewrites each option into the only form that `parseArgs` cannot misread. Left to itself, `parseArgs` reads `true`
 * after a flag as the flag's value, `-` and an empty argument as no value, and `-t90s` letter by letter.
 */
function canonical(args: readonly string[], known: Map<string, Spelling>) {
  const out: string[] = [];
  const spelledAs = new Map<string, string>();
  for (let i = 0; i < args.length; i++) {
    const option = split(args[i]);
    if (!option) {
      out.push(args[i]);
      continue;
    }
    const { spelled, attached } = option;
    const match = known.get(spelled);
    if (!match) throw unknownOption(spelled, known);
    const { key, row } = match;
    if (spelledAs.has(key) && row.type !== "list") {
      throw new InvalidInputError(`Cannot use ${spelled} twice: ${flagOf(key)} takes one value`);
    }
    spelledAs.set(key, spelled);
    if (row.type === "flag") {
      if (attached !== undefined) {
        throw new InvalidInputError(`Cannot use ${spelled} with a value: it takes none`);
      }
      out.push(`--${key}=true`);
      continue;
    }
    const next = attached ?? args[i + 1];
    if (next === undefined || (attached === undefined && split(next))) {
      throw new InvalidInputError(
        `Cannot use ${spelled}: its ${row.value ?? "value"} is missing; write ${
          flagOf(key)
        }=VALUE for one that begins with "-"`,
      );
    }
    if (attached === undefined) i++;
    out.push(`--${key}=${next}`);
  }
  return { args: out, spelledAs };
}

/**
 * Parses the arguments of a command.
 *
 * @throws {InvalidInputError} An option is unknown, repeated, or has no value.
 */
export function parseCommandLine(args: readonly string[], rows: OptionRows): CommandLine {
  const known = spellings(rows);
  const dashes = args.indexOf("--");
  const before = canonical(dashes < 0 ? args : args.slice(0, dashes), known);
  const keys = Object.keys(rows);
  const flags = keys.filter((key) => rows[key].type === "flag");
  const parsed = parseArgs(dashes < 0 ? before.args : [...before.args, ...args.slice(dashes)], {
    "--": true,
    boolean: flags,
    string: ["_", ...keys.filter((key) => rows[key].type !== "flag")],
    collect: keys.filter((key) => rows[key].type !== "flag"),
  }) as Record<string, unknown>;
  const typed = new Map<string, Typed>();
  for (const [key, spelled] of before.spelledAs) {
    const texts = rows[key].type === "flag" ? [] : parsed[key] as string[];
    typed.set(key, { spelled, texts });
  }
  return {
    typed,
    positionals: parsed._ as string[],
    rest: dashes < 0 ? null : parsed["--"] as string[],
  };
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
