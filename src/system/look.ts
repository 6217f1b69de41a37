import type { FolderLook } from "../ports/folder_look.ts";
import { whyUnsafe } from "./safe_folder.ts";

async function statOf(path: string): Promise<Deno.FileInfo | null> {
  try {
    return await Deno.stat(path);
  } catch {
    // it is not there, or somebody else's folder hides it: both mean that it cannot be used as it is
    return null;
  }
}

/** Whether something can be made in a folder: tried, because rights have more sources than mode and owner. */
async function canWrite(path: string): Promise<boolean> {
  try {
    await Deno.remove(await Deno.makeTempDir({ dir: path, prefix: ".runner-" }));
    return true;
  } catch {
    return false;
  }
}

/** Looks at a folder by its absolute path; of one that is missing, whether it can be made. */
export async function lookAtFolder(path: string): Promise<FolderLook> {
  const stat = await statOf(path);
  const unsafe = whyUnsafe(path);
  if (stat) {
    const is = stat.isDirectory ? "folder" : "something else";
    const writable = unsafe === null && stat.isDirectory && await canWrite(path);
    return { path, is, unsafe, mode: (stat.mode ?? 0) & 0o777, writable };
  }
  let above = path;
  while (above !== "/" && above !== "." && !await statOf(above)) {
    above = above.replace(/\/*[^/]*\/*$/, "") || (path.startsWith("/") ? "/" : ".");
  }
  return { path, is: "missing", unsafe, mode: 0, writable: await canWrite(above) };
}

/** Rights of the sandbox that a runner with this spool folder needs and that are missing, in words; Redis shows the one for it. */
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
