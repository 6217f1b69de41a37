import { InvalidInputError } from "../../domain/errors.ts";
import { MAX_SUBMIT_PAYLOAD } from "../../domain/limits.ts";
import type { Context } from "../context.ts";
import { quoteCommand } from "../../domain/shell_words.ts";

/** The source of a job's text. */
export type PayloadSource =
  | { readonly from: "text" | "argv"; readonly text: string }
  | { readonly from: "stdin" }
  | { readonly from: "script"; readonly path: string }
  | { readonly from: "batch"; readonly path: string };

/**
 * Finds the only source of the jobs to queue.
 *
 * @throws {InvalidInputError} There is none, or more than one.
 */
export function choosePayload(
  given: Pick<Context, "positionals" | "rest"> & { readonly script?: string; readonly batch?: string },
): PayloadSource {
  const { positionals, rest, script, batch } = given;
  const sources: PayloadSource[] = [];
  if (positionals.length > 1) {
    throw new InvalidInputError(
      `Cannot submit ${positionals.length} texts: quote shell text as one argument, or put -- in front of a command`,
    );
  }
  if (positionals.length === 1) {
    sources.push(positionals[0] === "-" ? { from: "stdin" } : { from: "text", text: positionals[0] });
  }
  if (rest !== null) {
    if (rest.length === 0) throw new InvalidInputError('Cannot submit: no command follows "--"');
    sources.push({ from: "argv", text: quoteCommand(rest) });
  }
  if (script !== undefined) sources.push({ from: "script", path: script });
  if (batch !== undefined) sources.push({ from: "batch", path: batch });
  if (sources.length === 1) return sources[0];
  const forms = "shell text, -- COMMAND, --script FILE, --from FILE or - for standard input";
  throw new InvalidInputError(
    sources.length === 0
      ? `Cannot submit: no job is given; write ${forms}`
      : `Cannot submit: more than one job is given; write only one of ${forms}`,
  );
}

/**
 * Decodes bytes as text.
 *
 * @throws {InvalidInputError} They are not text; `what` names what cannot be submitted.
 */
export function decodeText(bytes: Uint8Array, what: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new InvalidInputError(`Cannot submit ${what}: it is not UTF-8`);
  }
}

async function readText(input: AsyncIterable<Uint8Array>, what: string): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of input) {
    size += part.length;
    if (size > MAX_SUBMIT_PAYLOAD) {
      throw new InvalidInputError(`Cannot submit ${what}: it has more than ${MAX_SUBMIT_PAYLOAD} bytes`);
    }
    parts.push(part);
  }
  return decodeText(new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer()), what);
}

/**
 * Reads the text of one job.
 *
 * @throws {InvalidInputError} The file does not exist, or the input is not text.
 */
export async function readPayload(source: PayloadSource, compose: Context["compose"]): Promise<string> {
  switch (source.from) {
    case "text":
    case "argv":
      return source.text;
    case "stdin":
      return await readText(compose.terminal.input(), "standard input");
    default: {
      const name = JSON.stringify(source.path);
      const pieces = await compose.environment.openFile(source.path);
      if (pieces === null) throw new InvalidInputError(`Cannot submit file ${name}: there is no such file`);
      return await readText(pieces, `file ${name}`);
    }
  }
}

/**
 * Opens a file of jobs; `-` is standard input.
 *
 * @throws {InvalidInputError} It does not exist.
 */
export async function openBatch(path: string, compose: Context["compose"]): Promise<AsyncIterable<Uint8Array>> {
  if (path === "-") return compose.terminal.input();
  const pieces = await compose.environment.openFile(path);
  if (pieces === null) throw new InvalidInputError(`Cannot submit file ${JSON.stringify(path)}: there is no such file`);
  return pieces;
}
