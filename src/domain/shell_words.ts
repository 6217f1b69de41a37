import { printable } from "./printable.ts";

/** Words of a POSIX shell, or of bash, that mean something else than a program in the first place of a command. */
const RESERVED = new Set(
  "! { } case coproc do done elif else esac fi for function if in select then time until while [[ ]]".split(" "),
);

/** Quotes one word so that every POSIX shell reads exactly this text. */
export function quoteWord(word: string): string {
  return /^[A-Za-z0-9_@%+:,./-][A-Za-z0-9_@%+=:,./-]*$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/**
 * A word of a command line that people are to paste: quoted, or a name for it when it is not what it looks like on a
 * screen.
 *
 * @param name Stands for it then, such as `ID`.
 */
export function pasteWord(word: string, name: string): string {
  // an option cannot be meant
  return printable(word) === word && !word.startsWith("-") ? quoteWord(word) : name;
}

/** Shell text that runs a command with exactly these arguments. */
export function quoteCommand(argv: readonly string[]): string {
  return argv.map((word, i) => {
    // unquoted, a first word with "=" would be an assignment, and a reserved one a piece of syntax
    const special = i === 0 && (word.includes("=") || RESERVED.has(word));
    return special && quoteWord(word) === word ? `'${word}'` : quoteWord(word);
  }).join(" ");
}
