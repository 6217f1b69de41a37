/** Prepares external text for a terminal. */
import { unicodeWidth } from "./std_cli.ts";

export { printable, printableLines, toJson } from "../../domain/printable.ts";

/** Returns the first non-blank line of a text; ` …` means that more follows. */
export function firstLine(text: string): string {
  const trimmed = text.trim();
  const end = trimmed.indexOf("\n");
  return end < 0 ? trimmed : `${trimmed.slice(0, end).trimEnd()} …`;
}

/** Cuts a text to a number of columns, with `…` at the end when something is missing. */
export function fit(text: string, columns: number): string {
  if (unicodeWidth(text) <= columns) return text;
  let used = 0;
  let out = "";
  for (const char of text) {
    used += unicodeWidth(char);
    if (used > columns - 1) break;
    out += char;
  }
  return `${out}…`;
}

/** Pads a text with blanks to a number of columns. */
export function pad(text: string, columns: number, right = false): string {
  const blanks = " ".repeat(Math.max(0, columns - unicodeWidth(text)));
  return right ? blanks + text : text + blanks;
}

const CODES = { bold: "1", red: "31", green: "32", yellow: "33", dim: "2", alert: "1;33" } as const;

/** A style of text on a terminal. */
export type Style = keyof typeof CODES;

/** Applies a style to a text when colours are on. */
export function styled(text: string, style: Style | null, color: boolean): string {
  return color && style ? `\x1b[${CODES[style]}m${text}\x1b[0m` : text;
}

/** Breaks a sentence into lines of at most the given number of columns. */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && unicodeWidth(last) + 1 + unicodeWidth(word) <= columns) {
      lines[lines.length - 1] += ` ${word}`;
    } else lines.push(word);
  }
  return lines;
}
