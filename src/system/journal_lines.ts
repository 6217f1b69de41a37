/**
 * What the journal of a runner writes into its file, and how.
 *
 * @module
 */
import type { JobFields } from "../domain/job.ts";
import { fitsResult } from "../domain/output.ts";
import type { Attempt, SettledEnd } from "../ports/attempt_journal.ts";

const SPACE = 32;

/** For the journal's text. */
export const encoder = new TextEncoder();

/** Where a line stands in the file, bytes; `size` are its characters. */
export interface Place {
  readonly at: number;
  readonly length: number;
  readonly size: number;
}

/** What is secret of an attempt when it has ended. */
export interface Secret {
  readonly job: Pick<JobFields, "payload" | "env_vars">;
  readonly meta: Readonly<Record<string, string>>;
}

/** A line of the journal. */
export type Line =
  | { readonly do: "secret"; readonly name: string; readonly of: Secret }
  /** `secret`: its other part stands in front of it. */
  | { readonly do: "begin"; readonly attempt: Attempt; readonly secret: boolean }
  | { readonly do: "settle"; readonly name: string; readonly end: SettledEnd | "gone"; readonly at: number }
  | { readonly do: "server"; readonly id: string }
  | { readonly do: "forget"; readonly until: number }
  | { readonly do: "whole"; readonly is: boolean };

/** Bytes of the output that a settled run keeps on disk. */
export function outputOf(end: SettledEnd | "gone" | null): number {
  return end === null || end === "gone" || !fitsResult(end.outputBytes) ? 0 : end.outputBytes;
}

/** A line of the journal. The line feed stands in front: what a full disk or a crash tore off spoils no later line. */
export function written(line: Line): string {
  return "\n" + JSON.stringify(line);
}

export function openAppend(path: string): Deno.FsFile {
  return Deno.openSync(path, { create: true, append: true, mode: 0o600 });
}

export function syncFolder(path: string): void {
  const folder = Deno.openSync(path.slice(0, path.lastIndexOf("/")));
  try {
    folder.syncSync();
  } finally {
    folder.close();
  }
}

/** An attempt without its secrets. */
export function publicPart(attempt: Attempt): Attempt {
  const { payload: _payload, env_vars: _env, ...job } = attempt.job;
  const { raw: _raw, ...meta } = attempt.meta;
  return { ...attempt, job, meta };
}

/** An attempt with its secrets, where they are known. */
export function whole(attempt: Attempt, secret: Secret | undefined): Attempt {
  return secret
    ? { ...attempt, job: { ...attempt.job, ...secret.job }, meta: { ...attempt.meta, ...secret.meta } }
    : attempt;
}

/** The two lines of an attempt: what is secret about it, and the rest. */
export function linesOf(attempt: Attempt): [secret: string, rest: string] {
  const { payload, env_vars } = attempt.job;
  const { raw } = attempt.meta;
  const of: Secret = { job: { payload, env_vars }, meta: raw === undefined ? {} : { raw } };
  return [
    written({ do: "secret", name: attempt.name, of }),
    written({ do: "begin", attempt: publicPart(attempt), secret: true }),
  ];
}

/** Byte strings, one after the other. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Writes all of it. */
export function writeSync(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(file.writeSync(rest));
}

/** Overwrites a part of a file with spaces. */
export function blank(file: Deno.FsFile, { at, length }: Place): void {
  file.seekSync(at, Deno.SeekMode.Start);
  writeSync(file, new Uint8Array(length).fill(SPACE));
}
