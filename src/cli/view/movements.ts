/** Converts cursor movements to text: programs that draw move the cursor instead of writing blanks and line ends. */
import { unicodeWidth } from "./std_cli.ts";

/** Maximum number of blanks for one movement. */
const MOST = 500;
// deno-lint-ignore no-control-regex
const MOVEMENT = /^\u001b\[(\d{0,4})(?:;(\d{0,4}))?([A-HadeEf`])$/;

/**
 * Tracks the text position on a screen, far enough to keep words and lines apart. A movement forwards becomes blanks;
 * one up, down, or back over existing text begins a line.
 */
export class Movements {
  #column = 0;
  /** Row of the last movement to a position, from 1; 0 when it is unknown. */
  #row = 0;

  /** Records that text was shown. */
  passed(text: string): void {
    const rest = text.slice(Math.max(text.lastIndexOf("\n"), text.lastIndexOf("\r")) + 1);
    if (rest.length < text.length) this.#column = 0;
    if (text.includes("\n")) this.#row = 0;
    this.#column += unicodeWidth(rest);
  }

  /**
   * Returns the text for an escape sequence: blanks, a line end, or a carriage return where the line is overwritten. It
   * is empty for most sequences.
   */
  textOf(sequence: string): string {
    const found = MOVEMENT.exec(sequence);
    if (!found) return "";
    const [, first, second, kind] = found;
    const number = Math.max(1, Number(first || 1));
    if (kind === "C" || kind === "a") return this.#to(this.#column + number);
    if (kind === "D") return this.#to(Math.max(0, this.#column - number));
    if (kind === "G" || kind === "`") return this.#to(number - 1);
    const isPlace = kind === "H" || kind === "f";
    const row = isPlace || kind === "d" ? number : 0;
    const isSame = row !== 0 && row === this.#row;
    this.#row = row;
    const end = isSame || this.#column === 0 ? "" : "\n";
    if (end !== "") this.#column = 0;
    return isPlace ? end + this.#to(Math.max(1, Number(second || 1)) - 1) : end;
  }

  #to(column: number): string {
    const isBack = column < this.#column;
    const blanks = " ".repeat(Math.min(isBack ? column : column - this.#column, MOST));
    this.#column = column;
    return isBack ? `\r${blanks}` : blanks;
  }
}
