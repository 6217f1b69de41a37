import { LaunchError } from "../../domain/errors.ts";
import type { Launch } from "../../ports/executor.ts";
import type { Files } from "../../ports/files.ts";
import { word } from "./quoting.ts";
import type { Spool } from "./spool.ts";

/** Linux gives a program no single variable of more bytes, name and `=` included (MAX_ARG_STRLEN). */
const MAX_VARIABLE = 131_071;
/** ... and all variables and arguments together no more than a quarter of the stack limit, 2 MiB by default. */
const MAX_ENVIRONMENT = 2_000_000;

/** What stands in every run's environment before its own variables. */
export function baseEnvironment(env: Readonly<Record<string, string>>): Record<string, string> {
  const names = ["HOME", "PATH", "USER", "LOGNAME", "SHELL", "LANG"];
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => names.includes(name) || name.startsWith("LC_")),
  );
}

/**
 * Writes the script of a run: it notes its process id for the lane, sets environment and folder, and goes on as the payload.
 *
 * @throws {LaunchError} No program could be started with that environment.
 */
export async function writeScript(
  launch: Launch,
  { files, spool, base, cwd }: {
    readonly files: Files;
    readonly spool: Spool;
    readonly base: Readonly<Record<string, string>>;
    readonly cwd: string;
  },
): Promise<void> {
  const { run, payload } = launch;
  const ours = {
    RUNNER_JOB_ID: launch.id.replaceAll("\0", ""),
    RUNNER_ATTEMPT: String(launch.attempt),
    RUNNER_RUN: run,
  };
  const env = { ...base, ...launch.env, ...ours };
  checkSizes(env);
  // `command`: a variable that the shell keeps for itself (UID in bash) must not end the script
  const exports = Object.entries(env).map(([name, value]) => `command export ${name}=${word(value)}\n`).join("");
  const named = isProgram(launch);
  if (named) await files.write(spool.program(run), payload, 0o700);
  await files.write(
    spool.script(run),
    `echo $$ >>${word(spool.marker(run))}\n` +
      `{\n${exports}} 2>/dev/null\n` +
      "exec 2>&1\n" +
      `cd -- ${word(launch.cwd ?? cwd)} || exit 126\n` +
      "unset OLDPWD\n" +
      (named ? `exec ${word(spool.program(run))}\n` : payload),
  );
}

/** Whether the payload names its own interpreter. */
export function isProgram({ payload }: Launch): boolean {
  return payload.startsWith("#!");
}

function checkSizes(env: Readonly<Record<string, string>>): void {
  const encoder = new TextEncoder();
  let total = 0;
  for (const [name, value] of Object.entries(env)) {
    const size = name.length + 1 + encoder.encode(value).length;
    total += size;
    if (size > MAX_VARIABLE) {
      throw new LaunchError(
        `Cannot launch job: its environment variable "${name}" has ${size} bytes, more than ${MAX_VARIABLE}; put it into a file`,
      );
    }
  }
  if (total > MAX_ENVIRONMENT) {
    throw new LaunchError(
      `Cannot launch job: its environment has ${total} bytes, more than ${MAX_ENVIRONMENT}; put the large values into files`,
    );
  }
}

/** The line that gives a run to a lane. At most 4096 bytes, so that it arrives in one piece. */
export function laneLine(launch: Launch, clean: boolean): string {
  // deno-lint-ignore no-control-regex
  const title = (launch.title || launch.id).replace(/[\u0000-\u001f\u007f-\u009f]/g, " ").slice(0, 100);
  return `${launch.run} ${clean ? 1 : 0} ${title}\n`;
}
