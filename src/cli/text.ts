/** Text from elsewhere, made fit for a terminal. */
import { unicodeWidth } from "./args.ts";

/** Control characters, and the marks that reorder text on screen. */
// deno-lint-ignore no-control-regex
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

const NAMED: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** One line without control characters: they are shown as `\n` or `\x1b`. */
export function printable(text: string): string {
  return text.replace(UNSAFE, (char) => {
    const code = char.charCodeAt(0);
    return NAMED[char] ?? (code < 256 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16)}`);
  });
}

/** Text of several lines: line ends and tabs stay, every other control character is shown. */
export function printableLines(text: string): string {
  return text.split("\n").map((line) => line.split("\t").map(printable).join("\t")).join("\n");
}

/** JSON in one line that is safe on a terminal too. */
export function toJson(value: unknown): string {
  return JSON.stringify(value).replace(UNSAFE, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** The first line of a text that has something on it; ` …` says that more follows. */
export function firstLine(text: string): string {
  const trimmed = text.trim();
  const end = trimmed.indexOf("\n");
  return end < 0 ? trimmed : `${trimmed.slice(0, end).trimEnd()} …`;
}

/** A text cut to a number of columns, with `…` at the end when something is missing. */
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

/** A text filled with blanks to a number of columns. */
export function pad(text: string, columns: number, right = false): string {
  const blanks = " ".repeat(Math.max(0, columns - unicodeWidth(text)));
  return right ? blanks + text : text + blanks;
}

const CODES = { bold: 1, red: 31, green: 32, yellow: 33, dim: 2 } as const;

/** A look of text on a terminal. */
export type Style = keyof typeof CODES;

/** Gives a text a look, when colours are on. */
export function styled(text: string, style: Style | null, color: boolean): string {
  return color && style ? `\x1b[${CODES[style]}m${text}\x1b[0m` : text;
}

/** Breaks a sentence into lines of at most so many columns. */
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
