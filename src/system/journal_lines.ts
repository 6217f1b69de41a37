/**
 * Format of a runner's journal, and the writes to its file.
 *
 * @module
 */
import type { JobFields } from "../domain/job.ts";
import { fitsResult } from "../domain/output.ts";
import type { Attempt, SettledEnd } from "../ports/attempt_journal.ts";

const SPACE = 32;

/** Encodes the journal's text. */
export const encoder = new TextEncoder();

/** Position of a line in the file, bytes. */
export interface Place {
  readonly at: number;
  readonly length: number;
  /** Characters. */
  readonly size: number;
}

/** Parts of an attempt that are kept secret after its end. */
export interface Secret {
  readonly job: Pick<JobFields, "payload" | "env_vars">;
  readonly meta: Readonly<Record<string, string>>;
}

/** A line of the journal. */
export type Line =
  | { readonly do: "secret"; readonly name: string; readonly of: Secret }
  /** `secret`: the line before this one holds the secret part. */
  | { readonly do: "begin"; readonly attempt: Attempt; readonly secret: boolean }
  | { readonly do: "settle"; readonly name: string; readonly end: SettledEnd | "gone"; readonly at: number }
  | { readonly do: "server"; readonly id: string }
  | { readonly do: "forget"; readonly until: number }
  | { readonly do: "whole"; readonly is: boolean };

/** Returns the bytes of output that a settled attempt keeps on disk. */
export function outputOf(end: SettledEnd | "gone" | null): number {
  return end === null || end === "gone" || !fitsResult(end.outputBytes) ? 0 : end.outputBytes;
}

/** Returns a line as text. The line feed comes first: a line torn by a full disk or a crash spoils no later line. */
export function written(line: Line): string {
  return "\n" + JSON.stringify(line);
}

/** Opens a file for appending; creates it when it is missing. */
export function openAppend(path: string): Deno.FsFile {
  return Deno.openSync(path, { create: true, append: true, mode: 0o600 });
}

/** Writes the entries of a file's folder to the disk. */
export function syncFolder(path: string): void {
  const folder = Deno.openSync(path.slice(0, path.lastIndexOf("/")));
  try {
    folder.syncSync();
  } finally {
    folder.close();
  }
}

/** Returns an attempt without its secrets. */
export function publicPart(attempt: Attempt): Attempt {
  const { payload: _payload, env_vars: _env, ...job } = attempt.job;
  const { raw: _raw, ...meta } = attempt.meta;
  return { ...attempt, job, meta };
}

/** Returns an attempt with its secrets, where there are any. */
export function whole(attempt: Attempt, secret: Secret | undefined): Attempt {
  return secret
    ? { ...attempt, job: { ...attempt.job, ...secret.job }, meta: { ...attempt.meta, ...secret.meta } }
    : attempt;
}

/** Returns the two lines of an attempt: the secret part, and the rest. */
export function linesOf(attempt: Attempt): [secret: string, rest: string] {
  const { payload, env_vars } = attempt.job;
  const { raw } = attempt.meta;
  const of: Secret = { job: { payload, env_vars }, meta: raw === undefined ? {} : { raw } };
  return [
    written({ do: "secret", name: attempt.name, of }),
    written({ do: "begin", attempt: publicPart(attempt), secret: true }),
  ];
}

/** Concatenates byte strings. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Writes all the bytes. */
export function writeSync(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(file.writeSync(rest));
}

/** Overwrites a part of a file with spaces. */
export function blank(file: Deno.FsFile, { at, length }: Place): void {
  file.seekSync(at, Deno.SeekMode.Start);
  writeSync(file, new Uint8Array(length).fill(SPACE));
}
