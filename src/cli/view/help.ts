/** Generates help from the rows of the options. */
import type { Command } from "../command.ts";
import { flagOf, numberText, type OptionRow, type OptionRows } from "../../settings/option_row.ts";
import { GLOBAL_ROWS } from "../../settings/options.ts";
import { wrap } from "./text.ts";

const WIDTH = 100;

/** Returns the default of an option in words; `null` when it has none. */
export function defaultOf(row: OptionRow): string | null {
  if (row.defaultText !== undefined) return row.defaultText;
  if (row.default === undefined || row.default === "") return null;
  return typeof row.default === "number" ? numberText(row, row.default) : String(row.default);
}

/** Returns the text beside a flag: sentence, choices, environment name, default. */
function explain(row: OptionRow): string {
  const facts = [
    row.choices ? row.choices.join("|") : null,
    row.env ? `env ${row.env}` : null,
    defaultOf(row) === null ? null : `default ${defaultOf(row)}`,
  ].filter((fact) => fact !== null);
  return row.help + (facts.length > 0 ? ` [${facts.join("; ")}]` : "");
}

function flagColumn(key: string, row: OptionRow, taken: ReadonlySet<string>): string {
  const short = row.short && !taken.has(row.short) ? `-${row.short}, ` : "    ";
  return `${short}${flagOf(key)}${row.value ? ` ${row.value}` : ""}`;
}

/** Lays out two columns; the right one is wrapped at the width. */
function twoColumns(entries: readonly (readonly [string, string])[]): string[] {
  const left = Math.max(...entries.map(([name]) => name.length));
  return entries.flatMap(([name, text]) =>
    wrap(text, WIDTH - left - 4).map((line, i) => `  ${(i === 0 ? name : "").padEnd(left)}  ${line}`)
  );
}

function optionLines(rows: OptionRows, taken: ReadonlySet<string> = new Set()): string[] {
  const entries = Object.entries(rows).filter(([, row]) => !row.hidden)
    .map(([key, row]) => [flagColumn(key, row, taken), explain(row)] as const);
  return entries.length > 0 ? twoColumns(entries) : [];
}

/** Returns the global options that a command does not replace, and the letters that the command uses itself. */
export function globalsFor(command: Pick<Command, "rows">): { rows: OptionRows; taken: ReadonlySet<string> } {
  const rows = Object.fromEntries(Object.entries(GLOBAL_ROWS).filter(([key]) => !(key in command.rows)));
  return { rows, taken: new Set(Object.values(command.rows).flatMap((row) => row.short ?? [])) };
}

function usageLines(command: Command): string[] {
  return command.usage.map((form, i) => `${i === 0 ? "Usage:" : "      "} runner ${command.name} ${form}`.trimEnd());
}

/** Returns the help of one command; in full with its description, the global options and examples. */
export function commandHelp(command: Command, full: boolean): string {
  const lines = [`${command.summary}.`, "", ...usageLines(command)];
  const own = optionLines(command.rows);
  if (full) { for (const paragraph of command.description ?? []) lines.push("", ...wrap(paragraph, WIDTH)); }
  if (own.length > 0) lines.push("", "Options:", ...own);
  if (full) {
    const { rows, taken } = globalsFor(command);
    lines.push("", "Options of every command:", ...optionLines(rows, taken));
    if (command.examples.length > 0) {
      lines.push("", "Examples:");
      for (const { command: text, does } of command.examples) lines.push(`  # ${does}`, `  ${text}`);
    }
  } else {
    lines.push("", `More: runner ${command.name} --help`);
  }
  return `${lines.join("\n")}\n`;
}

/** Returns the help of the whole program. */
export function programHelp(commands: readonly Command[]): string {
  const lines = [
    "Runs shell jobs from a Redis queue, each in a tmux terminal that a person can watch and type into.",
    "",
    "Usage: runner COMMAND [OPTIONS] [ARGUMENTS]",
    "",
    "Commands:",
    ...twoColumns(commands.map((command) => [command.name, command.summary] as const)),
    "",
    "Options of every command:",
    ...optionLines(GLOBAL_ROWS),
    "",
    "More: runner COMMAND --help",
  ];
  return `${lines.join("\n")}\n`;
}
