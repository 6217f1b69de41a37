/** Makes the output of programs safe for a terminal. Escape sequences are those of ECMA-48 and xterm's ctlseqs. */
import { printableLines } from "../../domain/printable.ts";
import { Movements } from "./movements.ts";

/**
 * What is removed. `all`: escape sequences and control characters. `all but colours`: the same without colours.
 * `sequences`: escape sequences only, for JSON, which escapes every character by itself.
 */
export type Removed = "all" | "all but colours" | "sequences";

/** Maximum length of a colour sequence, characters; a longer sequence is not a colour. */
const LONGEST = 64;
/** The start of a sequence: ESC, or its 8-bit form. */
// deno-lint-ignore no-control-regex
const STARTS = /[\u001b\u0080-\u009f]/g;
/** Control characters that a terminal executes: all but line end, tab and carriage return, which has its own rule. */
// deno-lint-ignore no-control-regex
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g;
/** Select graphic rendition: numbers, then `m`. */
// deno-lint-ignore no-control-regex
const COLOUR = /^\u001b\[[0-9;:]*m$/;
const RESET = "\x1b[0m";

const encoder = new TextEncoder();

/**
 * State of the filter. `string`: in a title or the like. `intermediate`: after ESC ( and the like, until a final
 * character.
 */
type State = "ground" | "escape" | "intermediate" | "csi" | "string" | "string escape";

/**
 * Removes from a byte stream everything that a terminal would execute, even when a sequence is cut between two pieces.
 * A program's output may move the cursor, set titles, write to the clipboard, or make a terminal send a reply as input.
 * The result is UTF-8 text with line ends, tabs and, when wanted, colours. A carriage return that overwrites a line
 * becomes a line end. Characters that show nothing or reorder the text are marked, such as `\u202e`.
 */
export class EscapeFilter {
  readonly #removed: Removed;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #state: State = "ground";
  /** The sequence so far, from its ESC on. */
  #sequence = "";
  /** True after carriage returns while the next character is unknown. */
  #isReturning = false;
  /** The last character of the text so far. */
  #last = "";
  /** True when the last byte may belong to an incomplete character. */
  #isCut = false;
  #isColoured = false;
  /** `null`: cursor movements are dropped. */
  readonly #movements: Movements | null;

  /** @param options `moves`: a program drew the text, and cursor movements become blanks and line ends. */
  constructor(removed: Removed, options: { readonly moves?: boolean } = {}) {
    this.#removed = removed;
    this.#movements = options.moves ? new Movements() : null;
  }

  /** Returns what remains of the next bytes. */
  push(bytes: Uint8Array): Uint8Array {
    if (bytes.length === 0) return bytes;
    const isPlain = this.#state === "ground" && !this.#isReturning && !this.#isCut && bytes.every(isText);
    this.#isCut = bytes[bytes.length - 1] >= 0x80;
    if (!isPlain) return encoder.encode(this.#strip(this.#decoder.decode(bytes, { stream: true })));
    this.#last = String.fromCharCode(bytes[bytes.length - 1]);
    this.#movements?.passed(this.#decoder.decode(bytes, { stream: true }));
    return bytes;
  }

  /** Returns what follows the last bytes: the rest of an incomplete character, and the end of a colour. */
  end(): Uint8Array {
    const rest = this.#strip(this.#decoder.decode());
    const reset = this.#isColoured ? RESET : "";
    this.#isColoured = false;
    return encoder.encode(rest + reset);
  }

  #strip(text: string): string {
    let out = "";
    for (let at = 0; at < text.length;) {
      if (this.#state === "ground") {
        STARTS.lastIndex = at;
        const end = STARTS.exec(text)?.index ?? text.length;
        out += this.#shown(text.slice(at, end));
        at = end;
      }
      if (at === text.length) break;
      const char = String.fromCodePoint(text.codePointAt(at)!);
      at += char.length;
      out += this.#step(char);
    }
    return out;
  }

  /** Processes one character of a sequence, including the first; returns what is to be shown. */
  #step(char: string): string {
    const code = char.charCodeAt(0);
    const isString = this.#state === "string" || this.#state === "string escape";
    if (code === 0x1b) {
      this.#state = isString ? "string escape" : "escape";
      this.#sequence = char;
      return "";
    }
    if (code >= 0x80 && code <= 0x9f) return this.#begin(String.fromCharCode(code - 0x40));
    // CAN and SUB end every sequence; a line end also ends a string, which would otherwise hide all that follows
    if (code === 0x18 || code === 0x1a || (isString && code === 0x0a)) {
      this.#state = "ground";
      return code === 0x0a ? this.#shown(char) : "";
    }
    switch (this.#state) {
      case "string":
        if (code === 0x07) this.#state = "ground";
        return "";
      case "string escape":
        if (char !== "\\") return this.#begin(char);
        this.#state = "ground";
        return "";
      case "escape":
        return code < 0x20 ? this.#shown(char) : this.#begin(char);
      case "intermediate":
        if (code < 0x20) return this.#shown(char);
        if (code > 0x2f) this.#state = "ground";
        return code > 0x7f ? this.#shown(char) : "";
      default:
        return this.#inCsi(char, code);
    }
  }

  /** Starts the sequence that the character after ESC selects; a character that is invalid there is text. */
  #begin(char: string): string {
    if (char === "[") this.#state = "csi";
    else if ("]PX^_".includes(char)) this.#state = "string";
    else this.#state = char >= " " && char <= "/" ? "intermediate" : "ground";
    this.#sequence = `\x1b${char}`;
    return char > "\x7f" ? this.#shown(char) : "";
  }

  #inCsi(char: string, code: number): string {
    // terminals execute a control character within a sequence, so it counts as text
    if (code < 0x20) return this.#shown(char);
    if (code > 0x7f) {
      this.#state = "ground";
      return this.#shown(char);
    }
    if (this.#sequence.length < LONGEST) this.#sequence += char;
    if (code < 0x40 || code === 0x7f) return "";
    this.#state = "ground";
    if (this.#removed !== "all but colours" || !COLOUR.test(this.#sequence)) {
      return this.#shown(this.#movements?.textOf(this.#sequence) ?? "", true);
    }
    this.#isColoured = this.#sequence !== RESET && this.#sequence !== "\x1b[m";
    return this.#sequence;
  }

  /** Returns the visible form of text between sequences, or of the replacement for a cursor movement. */
  #shown(text: string, isMove = false): string {
    if (!isMove) this.#movements?.passed(text);
    if (this.#removed === "sequences" || text === "") return text;
    const all = (this.#isReturning ? "\r" : "") + text.replace(CONTROLS, "");
    const ready = all.replace(/\r+$/, "");
    this.#isReturning = ready.length < all.length;
    const lines = ready.replace(/\r+/g, (returns, at: number) => {
      const before = at > 0 ? ready[at - 1] : this.#last;
      // at the start or end of a line it overwrites nothing
      return before === "" || before === "\n" || ready[at + returns.length] === "\n" ? "" : "\n";
    });
    if (lines === "") return "";
    const marked = printableLines(this.#last + lines).slice(printableLines(this.#last).length);
    this.#last = lastCharacter(lines);
    return marked;
  }
}

function isText(byte: number): boolean {
  return (byte >= 0x20 && byte < 0x7f) || byte === 0x0a || byte === 0x09;
}

function lastCharacter(text: string): string {
  const unit = text.charCodeAt(text.length - 1);
  return text.slice(unit >= 0xdc00 && unit <= 0xdfff ? -2 : -1);
}

/** Filters a whole text with `EscapeFilter`. */
export function withoutEscapes(text: string, removed: Removed): string {
  const filter = new EscapeFilter(removed);
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  return decoder.decode(filter.push(encoder.encode(text)), { stream: true }) + decoder.decode(filter.end());
}
