import { type Draft, readAt, readBackoff } from "../../client/read_submission.ts";
import { InvalidInputError } from "../../domain/errors.ts";
import { readLimits } from "../../domain/limit_key.ts";
import type { Submission } from "../../domain/submission.ts";
import type { Environment } from "../../ports/environment.ts";
import { decodeText } from "./payload.ts";
import type { Values } from "../../settings/option_row.ts";
import type { GLOBAL_ROWS } from "../../settings/options.ts";
import type { JOB_ROWS } from "./job_rows.ts";

/** Values of the options of `runner submit` that describe a job. */
export type SubmitSettings =
  & Pick<
    Values<typeof GLOBAL_ROWS & typeof JOB_ROWS>,
    | ("name" | "executor" | "callerId" | "contextId" | "timeout" | "env" | "envFile" | "cwd" | "title" | "label")
    | ("priority" | "limit" | "retries" | "backoff" | "keep")
  >
  & {
    readonly id?: string;
    readonly in?: number;
    readonly at?: string;
    readonly after: readonly string[];
    readonly afterEnd: readonly string[];
  };

/**
 * Reads `NAME=VALUE`. An invalid text is not quoted: it may be a password without its name.
 *
 * @throws {InvalidInputError} It does not have that form.
 */
export function readPair(text: string, where: string): [string, string] {
  const equals = text.indexOf("=");
  if (equals < 1) throw new InvalidInputError(`Cannot use ${where}: it is not NAME=VALUE`);
  return [text.slice(0, equals), text.slice(equals + 1)];
}

/**
 * Reads a label: `NAME` or `NAME=VALUE`. Without a value, `bare` stands for it.
 *
 * @throws {InvalidInputError} It has no name.
 */
export function readLabel<Bare>(text: string, bare: Bare): [string, string | Bare] {
  return text.includes("=") || text === "" ? readPair(text, "--label") : [text, bare];
}

async function readEnvFile(path: string, environment: Environment): Promise<Record<string, string>> {
  const name = JSON.stringify(path);
  const bytes = await environment.readFile(path);
  if (bytes === null) throw new InvalidInputError(`Cannot read environment file ${name}: there is no such file`);
  const lines = decodeText(bytes, `with environment file ${name}`).split(/\r?\n/);
  const env: Record<string, string> = {};
  for (const [i, line] of lines.entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const [key, value] = readPair(line, `line ${i + 1} of environment file ${name}`);
    env[key] = value;
  }
  return env;
}

function startOf(settings: SubmitSettings): { notBeforeMs?: number; delay?: number } {
  if (settings.in !== undefined && settings.at !== undefined) {
    throw new InvalidInputError("Cannot use --in and --at together: write one of them");
  }
  return { notBeforeMs: settings.at === undefined ? undefined : readAt(settings.at), delay: settings.in };
}

/** Reads ids, also several with commas between them in one value; `undefined` for none. */
function readIds(texts: readonly string[]): readonly string[] | undefined {
  return texts.length === 0 ? undefined : texts.flatMap((text) => text.split(","));
}

/** Reads everything about a job from the command line, except its payload; unset options are left out. */
export async function readSubmissionOptions(settings: SubmitSettings, environment: Environment): Promise<Draft> {
  const { notBeforeMs, delay } = startOf(settings);
  const fromFile = settings.envFile === undefined ? {} : await readEnvFile(settings.envFile, environment);
  const env = { ...fromFile, ...Object.fromEntries(settings.env.map((text) => readPair(text, "--env"))) };
  const labels = Object.fromEntries(settings.label.map((text) => readLabel(text, "")));
  const said: Submission = {
    payload: "",
    runner: settings.name,
    executor: settings.executor,
    id: settings.id,
    callerId: settings.callerId,
    contextId: settings.contextId,
    timeout: settings.timeout,
    env: Object.keys(env).length > 0 ? env : undefined,
    cwd: settings.cwd,
    title: settings.title,
    labels: Object.keys(labels).length > 0 ? labels : undefined,
    priority: settings.priority,
    notBeforeMs,
    after: readIds(settings.after),
    afterEnd: readIds(settings.afterEnd),
    limits: settings.limit.length > 0 ? readLimits(settings.limit) : undefined,
    retries: settings.retries,
    backoff: settings.backoff === undefined ? undefined : readBackoff(settings.backoff),
    keep: settings.keep,
  };
  const submission = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
  return { submission: submission as unknown as Submission, ...(delay === undefined ? {} : { delay }) };
}
