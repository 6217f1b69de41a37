import type { FolderInspection } from "../ports/folder_inspection.ts";
import { whyNotOurs, whyUnsafe } from "./safe_folder.ts";

async function statOf(path: string): Promise<Deno.FileInfo | null> {
  try {
    return await Deno.stat(path);
  } catch {
    // it is not there, or somebody else's folder hides it: both mean that it cannot be used as it is
    return null;
  }
}

/** Bytes that must find room in a spool: so large a terminal's log may be before it is emptied. */
const ROOM = 4 << 20;

/** Whether something can be made in a folder, and has room: tried, because rights and quotas have many sources. */
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

/** Looks at a folder by its absolute path; of one that is missing, whether it can be made. */
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

/** Which of these programs are in no folder of a PATH; none where this program may not look. */
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

/** Whether others than its owner may read a file. */
export async function isOpenFile(path: string): Promise<boolean> {
  return (((await statOf(path))?.mode ?? 0) & 0o044) !== 0;
}

/**
 * Rights of the sandbox that a runner with this spool folder needs and that are missing, in words; Redis shows the one
 * for it.
 */
export async function missingRights(spool: string): Promise<string[]> {
  const rights = [
    { name: "read", path: spool },
    { name: "write", path: spool },
    { name: "run", command: "tmux" },
  ] as const;
  const states = await Promise.all(rights.map((right) => Deno.permissions.query(right)));
  return rights.filter((_, i) => states[i].state !== "granted").map((right) =>
    right.name === "run" ? `run ${right.command}` : right.name
  );
}

/**
 * Whether what a folder holds can be read and believed: it is ours alone, by its absolute path. Asks for no right that
 * the program lacks.
 */
export async function isOurFolder(path: string): Promise<boolean> {
  const rights = [{ name: "read", path }, { name: "sys", kind: "uid" }] as const;
  for (const right of rights) if ((await Deno.permissions.query(right)).state !== "granted") return false;
  return await statOf(path) !== null && whyUnsafe(path) === null && whyNotOurs(path) === null;
}
