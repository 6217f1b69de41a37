import type { FolderInspection } from "../ports/folder_inspection.ts";
import { whyNotOurs, whyUnsafe } from "./safe_folder.ts";

async function statOf(path: string): Promise<Deno.FileInfo | null> {
  try {
    return await Deno.stat(path);
  } catch {
    // it does not exist, or another user's folder hides it: either way it cannot be used as it is
    return null;
  }
}

/** Free bytes that a spool needs: a terminal's log may reach this size before it is emptied. */
const ROOM = 4 << 20;

/**
 * Returns whether files can be created in a folder, and whether it is full. It tries, because rights and quotas have
 * many sources.
 */
async function tryOut(path: string): Promise<Pick<FolderInspection, "writable" | "full">> {
  let dir: string | undefined;
  try {
    dir = await Deno.makeTempDir({ dir: path, prefix: ".runner-" });
    await Deno.writeFile(`${dir}/room`, new Uint8Array(ROOM));
    return { writable: true, full: false };
  } catch (error) {
    const full = ["ENOSPC", "EDQUOT"].includes((error as { code?: string }).code ?? "");
    return { writable: full, full };
  } finally {
    if (dir !== undefined) await Deno.remove(dir, { recursive: true }).catch(() => {});
  }
}

/** Inspects a folder by its absolute path; for a missing one, whether it can be created. */
export async function inspectFolder(path: string): Promise<FolderInspection> {
  const stat = await statOf(path);
  const unsafe = whyUnsafe(path);
  if (stat) {
    const is = stat.isDirectory ? "folder" : "something else";
    const tried = unsafe === null && stat.isDirectory ? await tryOut(path) : { writable: false, full: false };
    return { path, is, unsafe, mode: (stat.mode ?? 0) & 0o777, ...tried };
  }
  let above = path;
  while (above !== "/" && above !== "." && !await statOf(above)) {
    above = above.replace(/\/*[^/]*\/*$/, "") || (path.startsWith("/") ? "/" : ".");
  }
  return { path, is: "missing", unsafe, mode: 0, ...await tryOut(above) };
}

/** Returns those of the programs that are in no folder of a PATH; none when this program may not read the folders. */
export async function missingPrograms(names: readonly string[], path: string): Promise<string[]> {
  if ((await Deno.permissions.query({ name: "read" })).state !== "granted") return [];
  const folders = path.split(":");
  const isThere = async (name: string) => {
    for (const folder of folders) {
      const stat = await statOf(`${folder || "."}/${name}`);
      if (stat?.isFile && ((stat.mode ?? 0) & 0o111) !== 0) return true;
    }
    return false;
  };
  const there = await Promise.all(names.map(isThere));
  return names.filter((_, i) => !there[i]);
}

/** Returns whether users other than its owner may read a file. */
export async function isOpenFile(path: string): Promise<boolean> {
  return (((await statOf(path))?.mode ?? 0) & 0o044) !== 0;
}

/**
 * Returns, in words, the missing permissions of the sandbox for a runner that starts these programs. A missing one for
 * Redis shows at the connection.
 */
export async function missingRights(spool: string, programs: readonly string[]): Promise<string[]> {
  const rights = [
    { name: "read", path: spool } as const,
    { name: "write", path: spool } as const,
    ...programs.map((command) => ({ name: "run", command }) as const),
  ];
  const states = await Promise.all(rights.map((right) => Deno.permissions.query(right)));
  return rights.filter((_, i) => states[i].state !== "granted").map((right) =>
    right.name === "run" ? `run ${right.command}` : right.name
  );
}

/**
 * Returns whether a folder, by its absolute path, is ours alone, so that its content can be trusted. Requests no
 * permission that the program lacks.
 */
export async function isOurFolder(path: string): Promise<boolean> {
  const rights = [{ name: "read", path }, { name: "sys", kind: "uid" }] as const;
  for (const right of rights) if ((await Deno.permissions.query(right)).state !== "granted") return false;
  return await statOf(path) !== null && whyUnsafe(path) === null && whyNotOurs(path) === null;
}
