import { printable } from "./printable.ts";

/** Reserved words of a POSIX shell or of bash: as the first word of a command they do not name a program. */
const RESERVED = new Set(
  "! { } case coproc do done elif else esac fi for function if in select then time until while [[ ]]".split(" "),
);

/** Quotes one word so that every POSIX shell reads exactly this text. */
export function quoteWord(word: string): string {
  return /^[A-Za-z0-9_@%+:,./-][A-Za-z0-9_@%+=:,./-]*$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/**
 * Returns a word for a command line that people copy and paste, quoted. A word that is not printable as it is, or would
 * be an option, is replaced by a placeholder.
 *
 * @param name The placeholder, such as `ID`.
 */
export function pasteWord(word: string, name: string): string {
  // a leading "-" would make the word an option
  return printable(word) === word && !word.startsWith("-") ? quoteWord(word) : name;
}

/** Returns shell text that runs a command with exactly these arguments. */
export function quoteCommand(argv: readonly string[]): string {
  return argv.map((word, i) => {
    // unquoted, a first word with "=" would be an assignment, and a reserved word would be syntax
    const special = i === 0 && (word.includes("=") || RESERVED.has(word));
    return special && quoteWord(word) === word ? `'${word}'` : quoteWord(word);
  }).join(" ");
}
