import { SetupError } from "../domain/errors.ts";
import { messageOf } from "../domain/message_of.ts";
import type { Process, Ran } from "../ports/process.ts";

const PIPED = { stdin: "piped", stdout: "piped", stderr: "null" } as const;
const READ = { stdin: "null", stdout: "piped", stderr: "piped" } as const;

/** Longest wait for the end of a killed program, milliseconds: one that waits for a disk does not end. */
const DEAD_WITHIN = 500;

/** Starts programs of the host. */
export const systemProcess: Process = {
  async run(command, args, { signal, ...options }) {
    signal?.throwIfAborted();
    const child = start(command, args, options, READ);
    const readers = [child.stdout, child.stderr].map((stream) => stream.getReader());
    const aborted = Promise.withResolvers<never>();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = () => {
      kill(child);
      // its output pipes may stay open: a client of tmux has passed them on to the server
      for (const reader of readers) reader.cancel().catch(() => {});
      timer = setTimeout(() => aborted.reject(signal!.reason), DEAD_WITHIN);
    };
    signal?.addEventListener("abort", stop);
    try {
      const ended = Promise.all([child.status, ...readers.map(textOf)] as const);
      const [{ code }, output, errors] = await Promise.race([ended, aborted.promise]).finally(() =>
        signal?.throwIfAborted()
      );
      return { code, output, errors };
    } finally {
      signal?.removeEventListener("abort", stop);
      clearTimeout(timer);
    }
  },
  spawn(command, args, options) {
    const child = start(command, args, options);
    const writer = child.stdin.getWriter();
    return {
      pid: child.pid,
      output: child.stdout,
      write: (bytes) => writer.write(bytes),
      end: () => writer.close().catch(() => {}), // it may have ended before
      kill: () => kill(child),
      exited: child.status.then((status) => status.code),
    };
  },
};

function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch (error) {
    // TypeError: the runtime has seen its end already
    if (!(error instanceof TypeError) && !(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Reads a program's output to the end. */
async function textOf(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    text += decoder.decode(piece.value, { stream: true });
  }
  return text + decoder.decode();
}

/**
 * Runs a program in the terminal of this process until it exits.
 *
 * @returns Its exit code, 128 + n after signal n, and what it wrote on standard error.
 * @throws {SetupError} It is not installed, or may not be run.
 */
export async function inTerminal(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Pick<Ran, "code" | "errors">> {
  const child = start(command, args, { env }, { stdin: "inherit", stdout: "inherit", stderr: "piped" });
  const [errors, { code }] = await Promise.all([new Response(child.stderr).text(), child.status]);
  return { code, errors };
}

/** Returns what a program prints about its version; `null` when there is no such program or it may not be run. */
export async function programVersion(command: string, flag: string, path: string): Promise<string | null> {
  try {
    const { code, output } = await systemProcess.run(command, [flag], { env: { PATH: path } });
    return code === 0 ? output.trim() : null;
  } catch (error) {
    if (error instanceof SetupError) return null;
    throw error;
  }
}

function start(
  command: string,
  args: readonly string[],
  options: Parameters<Process["spawn"]>[2],
  streams: Pick<Deno.CommandOptions, "stdin" | "stdout" | "stderr"> = PIPED,
) {
  try {
    return new Deno.Command(command, {
      args: [...args],
      clearEnv: true,
      env: { ...options.env },
      cwd: options.cwd,
      detached: options.detached,
      ...streams,
    }).spawn();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new SetupError(`Cannot start "${command}": it is not installed, or not in PATH; install it`, {
        cause: error,
      });
    }
    throw new SetupError(`Cannot start "${command}": ${messageOf(error)}`, { cause: error });
  }
}
