/**
 * The marks around a run's output on the terminal, and the parser for what lies between them.
 *
 * They are OSC 133 sequences (https://gitlab.freedesktop.org/Per_Bothner/specifications, semantic prompts), which
 * terminals do not show. Each carries the name of the run and a secret of the spool, so that no program can forge one.
 *
 * @module
 */

const CR = 0x0d, LF = 0x0a, SEMICOLON = 0x3b;
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const END = encoder.encode("\x1b\\\x1b]133;D;");
const NOTHING = new Uint8Array();

/** Returns where a pattern begins, from `from` on; or where a prefix of it ends the bytes; or -1. */
function find(bytes: Uint8Array, pattern: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(pattern[0], from); at !== -1; at = bytes.indexOf(pattern[0], at + 1)) {
    let same = 1;
    while (same < pattern.length && at + same < bytes.length && bytes[at + same] === pattern[same]) same++;
    if (same === pattern.length || at + same === bytes.length) return at;
  }
  return -1;
}

/**
 * Finds a run's output in the log of its terminal, piece by piece, and restores it as the program wrote it: a terminal
 * writes every line feed as CR LF.
 */
export class MarkReader {
  readonly #start: Uint8Array;
  readonly #end: Uint8Array;
  #phase: "before" | "inside" | "after" = "before";
  /** Bytes that may be the beginning of a mark, or a CR whose LF has not arrived yet. */
  #held: Uint8Array = NOTHING;
  #translated = true;
  #consumed = 0;
  #code: number | null = null;

  /** `token`: the token in the marks of the run. */
  constructor(token: string) {
    this.#start = encoder.encode(`\x1b]133;C;${token}`);
    this.#end = encoder.encode(`;${token}`);
  }

  /** Whether the start of the output was found. */
  get begun(): boolean {
    return this.#phase !== "before";
  }

  /** Whether the end of the output was found: it is complete. */
  get complete(): boolean {
    return this.#phase === "after";
  }

  /** The exit code in the end mark; `null` before that was found, or when no shell started. */
  get code(): number | null {
    return this.#code;
  }

  /** Whether the terminal still translated line feeds at the end. */
  get translated(): boolean {
    return this.#translated;
  }

  /** Number of bytes of the log up to the end of what was used. */
  get taken(): number {
    return this.#consumed - this.#held.length;
  }

  /** Parses the next bytes of the log; returns the output in them. */
  push(bytes: Uint8Array): Uint8Array {
    this.#consumed += bytes.length;
    let data = this.#held.length === 0 ? bytes : joined(this.#held, bytes);
    this.#held = NOTHING;
    if (this.#phase === "before") {
      const at = this.#begin(data);
      if (at === -1) return NOTHING;
      data = data.subarray(at);
    }
    if (this.#phase === "after") {
      this.#held = data.slice();
      return NOTHING;
    }
    return this.#inside(data);
  }

  /**
   * Continues behind bytes that are gone. Returns the output in the bytes that were held back. A CR at their end counts
   * as gone: the next byte decides whether it was output.
   */
  skip(): Uint8Array {
    const held = this.#pending();
    this.#held = NOTHING;
    return held;
  }

  /** Number of bytes that `skip` would return. */
  get pending(): number {
    return this.#pending().length;
  }

  #pending(): Uint8Array {
    if (this.#phase !== "inside") return NOTHING;
    return this.#plain(this.#held.at(-1) === CR ? this.#held.subarray(0, -1) : this.#held);
  }

  /** Returns the bytes that are held back when no more will come: part of the output, as its end mark is missing. */
  rest(): Uint8Array {
    return this.#phase === "inside" ? this.#plain(this.#held) : NOTHING;
  }

  /** Finds the start mark; returns where the output begins, or -1. */
  #begin(data: Uint8Array): number {
    const at = find(data, this.#start, 0);
    if (at === -1) return -1;
    let tail = at + this.#start.length;
    if (data[tail] === CR) tail++;
    // LF ESC \ must follow
    if (data.length < tail + 3) {
      this.#held = data.slice(at);
      return -1;
    }
    this.#translated = data[tail - 1] === CR;
    this.#phase = "inside";
    return tail + 3;
  }

  #inside(data: Uint8Array): Uint8Array {
    for (let at = find(data, END, 0); at !== -1; at = find(data, END, at + 1)) {
      const found = this.#endAt(data, at);
      if (found === "no") continue;
      const output = this.#plain(data.subarray(0, at));
      this.#held = data.slice(at);
      if (found !== "maybe") {
        this.#held = data.slice(found);
        this.#translated = data[found - 2] === CR;
        const text = decoder.decode(data.subarray(at + END.length, data.indexOf(SEMICOLON, at + END.length)));
        this.#code = /^[0-9]+$/.test(text) ? Number(text) : null;
        this.#phase = "after";
      }
      return output;
    }
    const cut = data.at(-1) === CR ? 1 : 0;
    this.#held = cut ? data.slice(-1) : NOTHING;
    return this.#plain(cut ? data.subarray(0, -1) : data);
  }

  /**
   * Returns where the end mark at a position ends, `no` when there is none, or `maybe` when more bytes are needed. Its
   * last two bytes are not waited for: a shell whose output is buffered by the line writes them separately, so that
   * another program may write before them.
   */
  #endAt(data: Uint8Array, at: number): number | "no" | "maybe" {
    let next = at + END.length;
    while (next < data.length && next < at + END.length + 3 && data[next] !== SEMICOLON) next++;
    for (const byte of this.#end) {
      if (next >= data.length) return "maybe";
      if (data[next++] !== byte) return "no";
    }
    if (data[next] === CR) next++;
    return next >= data.length ? "maybe" : data[next] === LF ? next + 1 : "no";
  }

  /** Returns a copy without the CR that the terminal put before each LF. */
  #plain(bytes: Uint8Array): Uint8Array {
    const out = bytes.slice();
    const first = this.#translated ? out.indexOf(CR) : -1;
    if (first === -1) return out;
    let to = first;
    for (let from = first; from < out.length; from++) {
      if (out[from] !== CR || out[from + 1] !== LF) out[to++] = out[from];
    }
    return out.subarray(0, to);
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
