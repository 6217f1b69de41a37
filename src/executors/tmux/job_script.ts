import { LaunchError } from "../../domain/errors.ts";
import type { Launch } from "../../ports/executor.ts";
import type { Files } from "../../ports/files.ts";
import { padOf } from "./journal.ts";
import { word } from "./quoting.ts";
import type { Spool } from "./spool.ts";

/** Linux gives a program no single variable of more bytes, name and `=` included (MAX_ARG_STRLEN). */
const MAX_VARIABLE = 131_071;
/** ... and all variables and arguments together no more than a quarter of the stack limit, 2 MiB by default. */
const MAX_ENVIRONMENT = 2_000_000;

/** Exit code of a run that could not enter its working directory. */
export const OUTSIDE = 126;

/**
 * Commands that set variables, for any shell. One that the shell keeps for itself (UID in bash) must not end the
 * script: so `command`, which in zsh finds no builtins unless it is told to.
 */
export function exportsOf(variables: Readonly<Record<string, string>>): string[] {
  const zsh = (how: string) => `[ -z "\${ZSH_VERSION-}" ] || ${how} posixbuiltins`;
  const exports = Object.entries(variables).map(([name, value]) => `command export ${name}=${word(value)}`);
  return [zsh("setopt"), ...exports, zsh("unsetopt")];
}

/** What stands in every run's environment before its own variables. */
export function baseEnvironment(env: Readonly<Record<string, string>>): Record<string, string> {
  const names = ["HOME", "PATH", "USER", "LOGNAME", "SHELL", "LANG", "XDG_STATE_HOME", "RUNNER_CONFIG"];
  const own = Object.entries(env).filter(([name]) => names.includes(name) || name.startsWith("LC_"));
  // TERM comes from tmux, and does not say that it takes every colour
  return { ...Object.fromEntries(own), COLORTERM: "truecolor" };
}

/** What a run's script is made of besides the run. */
export interface ScriptParts {
  readonly files: Files;
  readonly spool: Spool;
  /** What stands in front of the run's own variables. */
  readonly base: Readonly<Record<string, string>>;
  /** Folder of runs that name none. */
  readonly cwd: string;
  /** Commands that give a run the file mode mask and the limits of the runner. */
  readonly limits: readonly string[];
  /** What runs the payload. */
  readonly shell: string;
}

/**
 * Writes the script of a run in the place of the lane's last one. Its first line begins with what is for the lane, and
 * before that with what is for the script that ends runs at their timeouts. Then it makes sure that the lane means this
 * run, notes its process id for the lane, and sets limits, environment and folder. The payload begins on the second
 * line, unless a value has several: people can tell from a shell's "line 4" that it means their third one.
 */
export async function writeScript(
  launch: Launch,
  lane: string,
  { clean, graceMs, files, spool, base, cwd, limits, shell }: ScriptParts & {
    /** The lane cleans its terminal before. */
    readonly clean: boolean;
    /** Time between TERM and KILL when it has reached its timeout. */
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
    `[ "\${RUNNER_RUN-}" = ${run} ] || { echo "$0: this is no longer the script of this job, or RUNNER_RUN is not set" >&2; exit 126; }`,
    // the payload may run itself once more, by $0: then with what it has made of all this
    `[ -n "\${RUNNER_ATTEMPT-}" ] || { echo "root=$$ name=${run};return" 1<>"\${0%/*}/root"`,
    ...limits,
    // the standard error is nowhere so far: what the shell says of a variable is not for the output
    ...exportsOf(environmentOf(launch, base)),
    "exec 2>&1 3<&- 4<&- 5>&-",
    // its lane tells the code alone
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
  };
}

/** A time as the scripts take it. */
export function tenthsOf(ms: number): string {
  return String(Math.ceil(ms / 100));
}

function titleOf({ title, id }: Launch): string {
  // deno-lint-ignore no-control-regex
  return (title || id).replace(/[\u0000-\u001f\u007f-\u009f]/g, " ").slice(0, 100);
}

/** Whether the payload names its own interpreter. */
export function isProgram({ payload }: Launch): boolean {
  return interpreterOf(payload) !== null;
}

/**
 * The interpreter that a script names, and what it is given in front of the script: one argument at the most, as Linux
 * reads the line. It is called by name, so that the script may lie where no program may be started (`noexec`).
 */
function interpreterOf(script: string): string[] | null {
  const [, program, argument] = /^#![ \t]*([^ \t\r\n\0]+)[ \t]*([^\r\n\0]*)/.exec(script) ?? [];
  if (program === undefined) return null;
  const trimmed = argument.trimEnd();
  return trimmed === "" ? [program] : [program, trimmed];
}

/** A script all of whose lines end in CR LF was written for another system: here the CR would be part of its words. */
function unixLines(payload: string): string {
  if (!payload.includes("\r\n") || /(^|[^\r])\n/.test(payload)) return payload;
  return payload.replaceAll("\r\n", "\n");
}

/**
 * Checks what a run wants before anything is done for it.
 *
 * @throws {LaunchError} No program could be started with that environment.
 */
export function checkEnvironment(launch: Launch, base: Readonly<Record<string, string>>): void {
  const variables = Object.entries(environmentOf(launch, base));
  // no character has more than three bytes: most need not be counted
  if (variables.reduce((sum, [name, value]) => sum + 1 + 3 * (name.length + value.length), 0) <= MAX_VARIABLE) return;
  const encoder = new TextEncoder();
  let total = 0;
  for (const [name, value] of variables) {
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
