/**
 * Characters of untrusted text that must not reach a terminal: control characters, and those that are invisible or
 * reorder the text around them. Variation selectors of emoji, and the joiner within an emoji, are allowed.
 */
const UNSAFE = new RegExp(
  "[\\p{Cc}\\p{Zl}\\p{Zp}\\ufff9-\\ufffb]|" +
    "(?!(?<=\\p{Emoji})[\\ufe0e\\ufe0f]|" +
    "(?<=[\\p{Extended_Pictographic}\\ufe0f\\u{1f3fb}-\\u{1f3ff}])\\u200d)" +
    "\\p{Default_Ignorable_Code_Point}",
  "gu",
);

const NAMED: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

function marked(char: string): string {
  const code = char.codePointAt(0)!;
  const hex = code.toString(16);
  if (code < 256) return NAMED[char] ?? `\\x${hex.padStart(2, "0")}`;
  return code < 0x10000 ? `\\u${hex.padStart(4, "0")}` : `\\u{${hex}}`;
}

/** Returns one line that is safe to print: escapes such as `\n`, `\x1b` or `\u202e` replace unsafe characters. */
export function printable(text: string): string {
  return text.replace(UNSAFE, marked);
}

/** Returns text of several lines that is safe to print: like `printable`, but line ends and tabs stay. */
export function printableLines(text: string): string {
  return text.replace(UNSAFE, (char) => char === "\n" || char === "\t" ? char : marked(char));
}

/** Returns JSON in one line that is safe to print and parses to exactly the same value. */
export function toJson(value: unknown): string {
  return JSON.stringify(value).replace(
    UNSAFE,
    (char) => char.split("").map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`).join(""),
  );
}
