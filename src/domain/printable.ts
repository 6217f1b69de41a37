/**
 * What no text from elsewhere may bring to a terminal: control characters, and characters that show nothing or reorder
 * what stands around them. Variation selectors of emoji stay, and the joiner within an emoji.
 */
const UNSAFE = new RegExp(
  "[\\p{Cc}\\p{Zl}\\p{Zp}\\ufff9-\\ufffb]|" +
    "(?![\\ufe0e\\ufe0f]|(?<=[\\p{Extended_Pictographic}\\ufe0f\\u{1f3fb}-\\u{1f3ff}])\\u200d)" +
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

/** One line that a terminal only shows: `\n`, `\x1b` or `\u202e` stand for what it would obey, or would not show. */
export function printable(text: string): string {
  return text.replace(UNSAFE, marked);
}

/** Text of several lines: line ends and tabs stay, everything else is as in `printable`. */
export function printableLines(text: string): string {
  return text.replace(UNSAFE, (char) => char === "\n" || char === "\t" ? char : marked(char));
}

/** JSON in one line that says exactly the same, and that a terminal only shows. */
export function toJson(value: unknown): string {
  return JSON.stringify(value).replace(
    UNSAFE,
    (char) => char.split("").map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`).join(""),
  );
}
