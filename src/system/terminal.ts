import type { Terminal } from "../ports/terminal.ts";
import { messageOf } from "../domain/message_of.ts";

async function writeAll(stream: typeof Deno.stdout, bytes: Uint8Array): Promise<void> {
  let done = 0;
  while (done < bytes.length) done += await stream.write(bytes.subarray(done));
}

function bytesOf(data: string | Uint8Array): Uint8Array {
  return typeof data === "string" ? new TextEncoder().encode(data) : data;
}

/** Returns the size of the terminal; `null` when that is unknown: such a terminal reports 0, or nothing. */
function size(what: "columns" | "rows"): number | null {
  if (!Deno.stdout.isTerminal()) return null;
  try {
    return Deno.consoleSize()[what] || null;
  } catch {
    return null;
  }
}

/** The streams of this process. */
export const systemTerminal: Terminal = {
  isTerminal: {
    get input() {
      return Deno.stdin.isTerminal();
    },
    get output() {
      return Deno.stdout.isTerminal();
    },
    get errors() {
      return Deno.stderr.isTerminal();
    },
  },
  columns: () => size("columns"),
  rows: () => size("rows"),
  onResize(handler) {
    Deno.addSignalListener("SIGWINCH", handler);
    return () => Deno.removeSignalListener("SIGWINCH", handler);
  },
  async write(data) {
    try {
      await writeAll(Deno.stdout, bytesOf(data));
    } catch (error) {
      if (error instanceof Deno.errors.BrokenPipe) throw error;
      throw new Error(`Cannot write to standard output: ${messageOf(error)}`, { cause: error });
    }
  },
  async say(data) {
    try {
      await writeAll(Deno.stderr, bytesOf(data));
    } catch (error) {
      // a closed stderr means that its reader wants no messages; the work continues
      if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
    }
  },
  async *input() {
    const buffer = new Uint8Array(1 << 16);
    for (;;) {
      const length = await Deno.stdin.read(buffer);
      if (length === null) return;
      yield buffer.slice(0, length);
    }
  },
};
