/** Words of a POSIX shell, or of bash, that mean something else than a program in the first place of a command. */
const RESERVED = new Set(
  "! { } case coproc do done elif else esac fi for function if in select then time until while [[ ]]".split(" "),
);

/** Quotes one word so that every POSIX shell reads exactly this text. */
export function quoteWord(word: string): string {
  return /^[A-Za-z0-9_@%+:,./-][A-Za-z0-9_@%+=:,./-]*$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Shell text that runs a command with exactly these arguments. */
export function quoteCommand(argv: readonly string[]): string {
  return argv.map((word, i) => {
    // unquoted, a first word with "=" would be an assignment, and a reserved one a piece of syntax
    const special = i === 0 && (word.includes("=") || RESERVED.has(word));
    return special && quoteWord(word) === word ? `'${word}'` : quoteWord(word);
  }).join(" ");
}
