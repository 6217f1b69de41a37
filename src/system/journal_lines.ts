/**
 * What the journal of a runner writes into its file, and how.
 *
 * @module
 */
import type { JobFields } from "../domain/job.ts";
import { fitsResult } from "../domain/output.ts";
import type { Intent, SettledEnd } from "../ports/spool.ts";

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
  | { readonly do: "secret"; readonly run: string; readonly of: Secret }
  /** `secret`: its other part stands in front of it. */
  | { readonly do: "intend"; readonly intent: Intent; readonly secret: boolean }
  | { readonly do: "settle"; readonly run: string; readonly end: SettledEnd | "gone"; readonly at: number }
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
export function publicPart(intent: Intent): Intent {
  const { payload: _payload, env_vars: _env, ...job } = intent.job;
  const { raw: _raw, ...meta } = intent.meta;
  return { ...intent, job, meta };
}

/** An attempt with its secrets, where they are known. */
export function whole(intent: Intent, secret: Secret | undefined): Intent {
  return secret
    ? { ...intent, job: { ...intent.job, ...secret.job }, meta: { ...intent.meta, ...secret.meta } }
    : intent;
}

/** The two lines of an attempt: what is secret about it, and the rest. */
export function linesOf(intent: Intent): [secret: string, rest: string] {
  const { payload, env_vars } = intent.job;
  const { raw } = intent.meta;
  const of: Secret = { job: { payload, env_vars }, meta: raw === undefined ? {} : { raw } };
  return [
    written({ do: "secret", run: intent.run, of }),
    written({ do: "intend", intent: publicPart(intent), secret: true }),
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
