import type { RedisReply, RedisValue } from "./api.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const NEWLINE = 10;
const RETURN = 13;

// Like the real ones most carry no name of their own: `error.name` is "Error", only the class distinguishes them.

class EOFError extends Error {}

class InvalidStateError extends Error {}

/** An error that Redis answered; its message begins with the `-` of the wire. */
export class ErrorReplyError extends Error {}

/** The body of a reply was cut short. */
class PartialReadError extends Error {
  override name = "PartialReadError";
}

/** One request in the Redis protocol (RESP2). */
export function encodeCommand(command: string, args: readonly RedisValue[]): Uint8Array {
  const parts = [command, ...args].map((arg) => arg instanceof Uint8Array ? arg : encoder.encode(String(arg)));
  const line = encoder.encode("\r\n");
  const pieces = [
    encoder.encode(`*${parts.length}\r\n`),
    ...parts.flatMap((part) => [encoder.encode(`$${part.length}\r\n`), part, line]),
  ];
  const request = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    request.set(piece, at);
    at += piece.length;
  }
  return request;
}

/**
 * Reads replies in RESP2, with the faults of the real reader, because the wrapper around it must live with them:
 * an error inside an array is thrown at once and leaves the rest of the array in the stream, a line that the end of
 * the stream cut off counts as whole, and a body of which nothing came is all NUL bytes.
 */
export class ReplyReader {
  #source: Pick<Deno.Conn, "read">;
  #buffer: Uint8Array = new Uint8Array(16 * 1024);
  #start = 0;
  #end = 0;

  constructor(source: Pick<Deno.Conn, "read">) {
    this.#source = source;
  }

  async read(asBytes = false): Promise<RedisReply> {
    if (this.#start === this.#end && !await this.#fill()) throw new EOFError();
    const code = String.fromCharCode(this.#buffer[this.#start]);
    // not taken from the stream: the next read fails on it again
    if (!"-:+$*".includes(code)) {
      throw new InvalidStateError(`Invalid state: unknown code: '${code}' (${code.charCodeAt(0)})`);
    }
    const line = await this.#line();
    const text = (bytes: Uint8Array) => asBytes ? bytes : decoder.decode(bytes);
    const rest = line.subarray(1);
    const number = () => Number.parseInt(decoder.decode(rest));
    switch (code) {
      case "-":
        throw new ErrorReplyError(decoder.decode(line));
      case ":":
        return number();
      case "+":
        return text(rest);
      case "$": {
        const size = number();
        return size < 0 ? null : text(await this.#body(size));
      }
      default: {
        const size = number();
        if (size === -1) return null;
        const replies: RedisReply[] = [];
        while (replies.length < size) replies.push(await this.read(asBytes));
        return replies;
      }
    }
  }

  /** Reads more bytes from the source; false at its end. */
  async #fill(): Promise<boolean> {
    if (this.#start > 0) {
      this.#buffer.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
    if (this.#end === this.#buffer.length) {
      const larger = new Uint8Array(this.#buffer.length * 2);
      larger.set(this.#buffer);
      this.#buffer = larger;
    }
    const count = await this.#source.read(this.#buffer.subarray(this.#end));
    this.#end += count ?? 0;
    return count !== null;
  }

  /** Without its line end; a copy, because the buffer is used again. */
  async #line(): Promise<Uint8Array> {
    let searched = 0;
    for (;;) {
      const unread = this.#buffer.subarray(this.#start, this.#end);
      const at = unread.indexOf(NEWLINE, searched);
      if (at >= 0) {
        this.#start += at + 1;
        return unread.slice(0, unread[at - 1] === RETURN ? at - 1 : at);
      }
      searched = unread.length;
      if (!await this.#fill()) {
        this.#start = this.#end;
        return unread.slice();
      }
    }
  }

  async #body(size: number): Promise<Uint8Array> {
    const body = new Uint8Array(size + 2);
    let filled = Math.min(body.length, this.#end - this.#start);
    body.set(this.#buffer.subarray(this.#start, this.#start + filled));
    this.#start += filled;
    while (filled < body.length) {
      const count = await this.#source.read(body.subarray(filled));
      if (count === null && filled > 0) {
        throw new PartialReadError("Encountered UnexpectedEof, data only partially read");
      }
      if (count === null) break;
      filled += count;
    }
    return body.subarray(0, size);
  }
}
