/** Escape sequences in the output of programs, as ECMA-48 and xterm's ctlseqs define them. */

/** `all` are left out, also colours; or all but colours. */
export type Removed = "all" | "all but colours";

const ESC = 0x1b;
const BEL = 0x07;
/** Bytes of a sequence that may be a colour; a longer one is none. */
const LONGEST = 64;

/** In what the filter is. `string`: a title or the like, up to BEL or ESC \\. `intermediate`: ESC ( and the like, up to a final byte. */
type State = "ground" | "escape" | "intermediate" | "csi" | "string" | "string escape";

/**
 * Takes escape sequences out of bytes that come in pieces, however these are cut. A program's output may move the cursor, set
 * titles and write to the clipboard of whoever looks at it later; what stays is text and, when wanted, colours.
 */
export class EscapeFilter {
  readonly #colours: boolean;
  #state: State = "ground";
  /** The sequence so far, from its ESC on. */
  #sequence: number[] = [];

  constructor(removed: Removed) {
    this.#colours = removed === "all but colours";
  }

  /** What is left of the next bytes. */
  push(bytes: Uint8Array): Uint8Array {
    const out: number[] = [];
    if (this.#state === "ground" && !bytes.includes(ESC)) return bytes;
    for (const byte of bytes) this.#step(byte, out);
    return Uint8Array.from(out);
  }

  #step(byte: number, out: number[]): void {
    // a new sequence begins wherever an ESC stands; within a string it may be the string's end
    if (byte === ESC) {
      this.#state = this.#state === "string" ? "string escape" : "escape";
      this.#sequence = [byte];
      return;
    }
    switch (this.#state) {
      case "ground":
        out.push(byte);
        return;
      case "escape":
        return this.#afterEscape(byte);
      case "intermediate":
        if (byte < 0x20 || byte > 0x2f) this.#state = "ground";
        return;
      case "csi":
        return this.#inCsi(byte, out);
      case "string":
        if (byte === BEL) this.#state = "ground";
        return;
      case "string escape":
        if (byte === 0x5c) this.#state = "ground";
        else this.#afterEscape(byte);
    }
  }

  #afterEscape(byte: number): void {
    this.#sequence.push(byte);
    const char = String.fromCharCode(byte);
    if (char === "[") this.#state = "csi";
    else if ("]PX^_".includes(char)) this.#state = "string";
    else this.#state = byte >= 0x20 && byte <= 0x2f ? "intermediate" : "ground";
  }

  #inCsi(byte: number, out: number[]): void {
    // a control character within a sequence is carried out by terminals: it is text to us
    if (byte < 0x20) {
      out.push(byte);
      return;
    }
    if (this.#sequence.length < LONGEST) this.#sequence.push(byte);
    if (byte < 0x40) return;
    this.#state = "ground";
    if (this.#colours && isColour(this.#sequence)) out.push(...this.#sequence);
  }
}

/** Select graphic rendition: numbers, then `m`. */
function isColour(sequence: readonly number[]): boolean {
  // deno-lint-ignore no-control-regex
  return /^\x1b\[[0-9;:]*m$/.test(String.fromCharCode(...sequence));
}
