/**
 * What the tests of the distributed forms share: scripts run in a copy of the project, so that its own dist folder
 * stays as it is.
 *
 * @module
 */
import { RunnerFixture } from "../support/runner_fixture.ts";

/** Folder of the project, with a slash at its end. */
export const ROOT = new URL("../../", import.meta.url).pathname;

/** The configuration with which the tests run. */
export const CONFIG = Deno.env.get("RUNNER_REGISTRY") === "jsr" ? "deno.json" : "scripts/npm/deno.json";

/** How long a program may last, milliseconds; it is ended then. */
const LIMIT = 90_000;

/** How a program ended. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

// what this machine needs to reach its network stays; what chooses or moves things is each test's own
const INHERITED = Object.fromEntries(
  Object.entries(Deno.env.toObject()).filter(([name]) =>
    !/^(RUNNER_(?!REGISTRY)|XDG_(?!CACHE_HOME)|REDIS_URL$)/.test(name)
  ),
);

/** How to run a program. */
export interface RunOptions {
  /** On top of the inherited environment, or all of it with `bare`. */
  readonly env?: Readonly<Record<string, string>>;
  readonly bare?: boolean;
  readonly cwd?: string;
  readonly uid?: number;
}

/** Runs a program to its end, without standard input. */
export async function run(command: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const [program, ...args] = command;
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args,
    cwd: options.cwd ?? "/",
    clearEnv: true,
    env: options.bare ? { ...options.env } : { ...INHERITED, DENO: Deno.execPath(), NO_COLOR: "1", ...options.env },
    stdin: "null",
    signal: AbortSignal.timeout(LIMIT),
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
  }).output();
  const text = new TextDecoder();
  return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
}

/** A folder that is gone when disposed. */
export async function temporaryFolder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await Deno.makeTempDir({ prefix: "runner-dist-" });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

/** A copy of what the project keeps, in a folder of its own. */
export async function copyProject(): Promise<{ path: string } & AsyncDisposable> {
  const folder = await temporaryFolder();
  const parts = ["main.ts", "deno.json", "README.md", "src", "scripts", "examples", "tests", ".github", "LICENSE"];
  const { code, stderr } = await run(["cp", "-R", ...parts.map((part) => ROOT + part), folder.path]);
  if (code !== 0) throw new Error(stderr);
  return folder;
}

/** Writes an executable file. */
export async function writeProgram(path: string, text: string): Promise<void> {
  await Deno.writeTextFile(path, text);
  await Deno.chmod(path, 0o755);
}

/** The permissions of the product, as flags. */
export async function permissionFlags(): Promise<string[]> {
  const { stdout } = await run([`${ROOT}scripts/bundle.sh`, "--flags"]);
  return stdout.trim().split("\n");
}

/** The variables that let `deno compile` work without a download; `null` where they cannot be had. */
export async function findStub(): Promise<{ DENO: string; DENORT_BIN: string } | null> {
  const text = `scripts=${ROOT}scripts; . "$scripts/lib.sh"; find_stub && printf '%s\\n' "$DENO" "$DENORT_BIN"`;
  const { code, stdout } = await run(["sh", "-c", text]);
  if (code !== 0) return null;
  const [DENO, DENORT_BIN] = stdout.split("\n");
  return { DENO, DENORT_BIN };
}

/**
 * A whole round with a program: a job is submitted, run, waited for and shown. Returns what status says about it.
 */
export async function wholeRound(
  program: readonly string[],
  options: RunOptions = {},
): Promise<Record<string, unknown>> {
  await using fixture = await RunnerFixture.create();
  if (options.uid !== undefined) await Deno.chown(fixture.dir, options.uid, options.uid);
  const env = options.bare ? { ...options.env, ...ownVariables(fixture.env()) } : fixture.env(options.env);
  const step = async (...args: string[]) => {
    const ran = await run([...program, ...args], { ...options, env, bare: true });
    if (ran.code !== 0) throw new Error(`${args.join(" ")} ended with ${ran.code}: ${ran.stderr}`);
    return ran.stdout;
  };
  try {
    const id = (await step("submit", "--title", "whole round", "echo from the job")).trim();
    await step("run", "--burst");
    await step("wait", id);
    return JSON.parse(await step("status", id, "--json"));
  } finally {
    await run(["tmux", "-L", fixture.socket, "kill-server"], { uid: options.uid });
  }
}

/** What a bare environment must hold to reach this fixture and no other. */
function ownVariables(env: Readonly<Record<string, string>>): Record<string, string> {
  const names = ["REDIS_URL", "RUNNER_NAME", "RUNNER_SPOOL"];
  return Object.fromEntries(names.map((name) => [name, env[name]]));
}
