import { LaunchError } from "../../../domain/errors.ts";
import type { Launch } from "../../../ports/executor.ts";
import type { Files } from "../../../ports/files.ts";
import { padOf } from "./journal.ts";
import { word } from "../quoting.ts";
import type { Spool } from "../spool.ts";

/** Maximum size of one environment variable on Linux (MAX_ARG_STRLEN), bytes, name and `=` included. */
const MAX_VARIABLE = 131_071;
/**
 * Maximum size of all variables and arguments together, bytes: Linux allows a quarter of the stack limit, 2 MiB by
 * default.
 */
const MAX_ENVIRONMENT = 2_000_000;

/** Exit code of a run that could not enter its working directory. */
export const OUTSIDE = 126;

/**
 * Returns commands that set variables, for any shell. A variable that the shell reserves (UID in bash) must not end the
 * script. Hence `command`, which in zsh finds builtins only with an option.
 */
export function exportsOf(variables: Readonly<Record<string, string>>): string[] {
  const zsh = (how: string) => `[ -z "\${ZSH_VERSION-}" ] || ${how} posixbuiltins`;
  const exports = Object.entries(variables).map(([name, value]) => `command export ${name}=${word(value)}`);
  return [zsh("setopt"), ...exports, zsh("unsetopt")];
}

/** Returns the base environment of every run; the run's own variables come after it. */
export function baseEnvironment(env: Readonly<Record<string, string>>): Record<string, string> {
  const names = ["HOME", "PATH", "USER", "LOGNAME", "SHELL", "LANG", "XDG_STATE_HOME", "RUNNER_CONFIG"];
  const own = Object.entries(env).filter(([name]) => names.includes(name) || name.startsWith("LC_"));
  // TERM comes from tmux, and does not announce true colour
  return { ...Object.fromEntries(own), COLORTERM: "truecolor" };
}

/** Parts of a run's script besides the run. */
export interface ScriptParts {
  readonly files: Files;
  readonly spool: Spool;
  /** Base environment, in front of the run's own variables. */
  readonly base: Readonly<Record<string, string>>;
  /** Working directory of runs without one of their own. */
  readonly cwd: string;
  /** Shell commands that apply the file mode mask and the limits of the runner to a run. */
  readonly limits: readonly string[];
  /** Shell that runs the payload. */
  readonly shell: string;
}

/**
 * Writes the script of a run over the previous script of its lane. The first line begins with the part for deadline.sh,
 * which ends runs at their timeouts, and the part for the lane. The rest of it checks that the lane means this run,
 * records the process id for the lane, and sets limits, environment and folder.
 *
 * The payload begins on the second line, unless a value has several lines. So "line 4" in a message of the shell means
 * line 3 of the payload.
 */
export async function writeScript(
  launch: Launch,
  lane: string,
  { clean, graceMs, files, spool, base, cwd, limits, shell }: ScriptParts & {
    /** The lane cleans its terminal before the run. */
    readonly clean: boolean;
    /** Time between TERM and KILL when the run has reached its timeout. */
    readonly graceMs: number;
  },
): Promise<void> {
  const { name: run, payload, timeoutMs } = launch;
  const limit = timeoutMs === null ? "" : `limit=${timeoutMs / 1000},${tenthsOf(graceMs)} `;
  const text = unixLines(payload);
  const interpreter = interpreterOf(text);
  if (interpreter !== null) await files.write(spool.program(run), text, 0o700);
  const setup = [
    `[ -n "\${lane_shell-}" ] && ${limit}run=${run} pad=${word(padOf(run))} clean=${clean ? 1 : 0} ` +
    `shell=${word(shell)} title=${word(titleOf(launch))} && return`,
    `[ "\${RUNNER_RUN-}" = ${run} ] || ` +
    `{ echo "$0: this is no longer the script of this job, or RUNNER_RUN is not set" >&2; exit 126; }`,
    // the payload may call itself again through $0: then it keeps the environment that it has set up by itself
    `[ -n "\${RUNNER_ATTEMPT-}" ] || { echo "root=$$ name=${run};return" 1<>"\${0%/*}/root"`,
    ...limits,
    // standard error is still discarded: the shell's messages about a variable do not belong into the output
    ...exportsOf(environmentOf(launch, base)),
    "exec 2>&1 3<&- 4<&- 5>&-",
    // its lane reports only the exit code
    `cd -- ${word(launch.cwd ?? cwd)} || { echo >${word(spool.outside(run))}; exit ${OUTSIDE}; }`,
    "unset OLDPWD",
    "}",
  ];
  await files.overwrite(
    spool.laneScript(lane),
    `${setup.join("; ")}\n${
      interpreter === null ? text : `exec ${[...interpreter, spool.program(run)].map(word).join(" ")}\n`
    }`,
  );
}

function environmentOf(launch: Launch, base: Readonly<Record<string, string>>): Record<string, string> {
  return {
    ...base,
    ...launch.env,
    RUNNER_JOB_ID: launch.id.replaceAll("\0", ""),
    RUNNER_ATTEMPT: String(launch.attempt),
    RUNNER_RUN: launch.name,
    ...Object.fromEntries(
      launch.slots.map((slot, i) => [i === 0 ? "RUNNER_SLOT" : `RUNNER_SLOT_${i + 1}`, String(slot)]),
    ),
  };
}

/** Converts a time to the unit of the scripts. */
export function tenthsOf(ms: number): string {
  return String(Math.ceil(ms / 100));
}

function titleOf({ title, id }: Launch): string {
  // deno-lint-ignore no-control-regex
  return (title || id).replace(/[\u0000-\u001f\u007f-\u009f]/g, " ").slice(0, 100);
}

/** Returns whether the payload names its own interpreter. */
export function isProgram({ payload }: Launch): boolean {
  return interpreterOf(payload) !== null;
}

/**
 * Returns the interpreter that a script names and its argument: at most one, as Linux reads the line. The interpreter
 * is called by name, so that the script may lie on a file system without execute permission (`noexec`).
 */
function interpreterOf(script: string): string[] | null {
  const [, program, argument] = /^#![ \t]*([^ \t\r\n\0]+)[ \t]*([^\r\n\0]*)/.exec(script) ?? [];
  if (program === undefined) return null;
  const trimmed = argument.trimEnd();
  return trimmed === "" ? [program] : [program, trimmed];
}

/**
 * Converts a script all of whose lines end in CR LF: it comes from another system, and a shell here would read the CR
 * as part of a word.
 */
function unixLines(payload: string): string {
  if (!payload.includes("\r\n") || /(^|[^\r])\n/.test(payload)) return payload;
  return payload.replaceAll("\r\n", "\n");
}

/**
 * Checks the environment of a run before anything is done for it.
 *
 * @throws {LaunchError} No program could be started with that environment.
 */
export function checkEnvironment(launch: Launch, base: Readonly<Record<string, string>>): void {
  const variables = Object.entries(environmentOf(launch, base));
  // no UTF-16 code unit has more than three bytes in UTF-8: most environments need no exact count
  if (variables.reduce((sum, [name, value]) => sum + 1 + 3 * (name.length + value.length), 0) <= MAX_VARIABLE) return;
  const encoder = new TextEncoder();
  let total = 0;
  for (const [name, value] of variables) {
    const size = name.length + 1 + encoder.encode(value).length;
    total += size;
    if (size > MAX_VARIABLE) {
      throw new LaunchError(
        `Cannot launch job: its environment variable "${name}" has ${size} bytes, more than ${MAX_VARIABLE}; ` +
          `put it into a file`,
      );
    }
  }
  if (total > MAX_ENVIRONMENT) {
    throw new LaunchError(
      `Cannot launch job: its environment has ${total} bytes, more than ${MAX_ENVIRONMENT}; ` +
        `put the large values into files`,
    );
  }
}
