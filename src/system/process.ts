import { SetupError } from "../domain/errors.ts";
import type { Process } from "../ports/process.ts";

/** The host's programs. */
export const systemProcess: Process = {
  spawn(command, args, options) {
    const child = start(command, args, options);
    const writer = child.stdin.getWriter();
    return {
      pid: child.pid,
      output: child.stdout,
      write: (bytes) => writer.write(bytes),
      end: () => writer.close().catch(() => {}), // it may have ended before
      kill() {
        try {
          child.kill("SIGKILL");
        } catch (error) {
          // TypeError: it has ended, and the runtime knows it already
          if (!(error instanceof TypeError) && !(error instanceof Deno.errors.NotFound)) throw error;
        }
      },
      exited: child.status.then((status) => status.code),
    };
  },
};

/** What a program says about its version; `null`: there is none, or it may not be run. */
export async function programVersion(command: string, flag: string, path: string): Promise<string | null> {
  try {
    const child = systemProcess.spawn(command, [flag], { env: { PATH: path } });
    await child.end();
    let text = "";
    for await (const bytes of child.output) text += new TextDecoder().decode(bytes);
    return await child.exited === 0 ? text.trim() : null;
  } catch (error) {
    if (error instanceof SetupError) return null;
    throw error;
  }
}

function start(command: string, args: readonly string[], options: Parameters<Process["spawn"]>[2]) {
  try {
    return new Deno.Command(command, {
      args: [...args],
      clearEnv: true,
      env: { ...options.env },
      cwd: options.cwd,
      detached: options.detached,
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new SetupError(`Cannot start "${command}": it is not installed, or not in PATH; install it`, {
        cause: error,
      });
    }
    const why = error instanceof Error ? error.message : String(error);
    throw new SetupError(`Cannot start "${command}": ${why}`, { cause: error });
  }
}
