import type { Files } from "../ports/files.ts";
import { systemFiles } from "./files.ts";

/** Returns the facts about this host that matter to a supervisor. */
export function serviceHost(): { os: string; program: string | null; isRoot: boolean; files: Files } {
  return {
    os: Deno.build.os,
    program: Deno.build.standalone ? Deno.execPath() : null,
    isRoot: Deno.uid() === 0,
    files: systemFiles,
  };
}
