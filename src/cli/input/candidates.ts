/** Finds what may stand at the end of a command line, for completion. */
import { rowsOf } from "../command.ts";
import { allCommands, loadCommand } from "../commands.ts";
import { type Completed, flagOf, type OptionRow, type OptionRows } from "../../settings/option_row.ts";
import { GLOBAL_ROWS } from "../../settings/options.ts";
import type { Typed } from "../../settings/settings.ts";
import { findCommand, parseUnfinished } from "./args.ts";

/** A word that may stand there. */
export interface Candidate {
  readonly word: string;
  readonly help?: string;
  /** It is an option, and a value follows. */
  readonly hasValue?: boolean;
}

/** Finds words in Redis. */
export type Search = (kind: Completed, typed: ReadonlyMap<string, Typed>) => Promise<readonly Candidate[]>;

/** What the shell itself completes. */
export type Path = "files" | "folders";

function wordsToCandidates(words: readonly string[] = []): Candidate[] {
  return words.map((word) => ({ word }));
}

/** Returns the options that may still be given. */
function optionsAmong(rows: OptionRows, typed: ReadonlyMap<string, Typed>): Candidate[] {
  return Object.entries(rows)
    .filter(([key, row]) => !row.hidden && (row.type === "list" || !typed.has(key)))
    .flatMap(([key, { short, type, help }]) => [
      ...short ? [{ word: `-${short}`, help }] : [],
      { word: flagOf(key), help, hasValue: type !== "flag" },
    ]);
}

/**
 * Finds the words that may stand in place of the last one, whatever it begins with: shells choose in different ways.
 *
 * @param words The arguments of the program.
 */
export async function findCandidates(words: readonly string[], search: Search): Promise<readonly Candidate[] | Path> {
  const { name } = findCommand(words.slice(0, -1), GLOBAL_ROWS);
  const command = name === null ? null : await loadCommand(name);
  if (name !== null && !command) return [];
  const rows = command ? rowsOf(command) : GLOBAL_ROWS;
  const { typed, value, over } = parseUnfinished(words, rows);
  const find = async (completes?: Completed) => completes ? await search(completes, typed) : [];
  if (value) {
    const { value: placeholder, choices, completes } = value.row as OptionRow;
    if (placeholder === "FILE") return "files";
    if (placeholder === "DIR") return "folders";
    const found = choices ? wordsToCandidates(choices) : await find(completes);
    return found.map(({ word, help }) => ({ word: value.prefix + word, help }));
  }
  const options = over ? [] : optionsAmong(rows, typed);
  if (words.at(-1)?.startsWith("-")) return options;
  const found = command
    ? [...wordsToCandidates(command.positionals.words), ...await find(command.positionals.completes)]
    : (await allCommands()).map(({ name, summary }) => ({ word: name, help: summary }));
  return found.length > 0 || command?.positionals.completes ? found : options;
}
