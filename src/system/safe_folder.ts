/**
 * Checks whether other users of the host could have made, or could replace, what a folder holds. Programs in the spool
 * are executed and its files are trusted, so the check comes before anything in it is opened.
 *
 * @module
 */

/** Symbolic links that are followed on the way to a folder at most. */
const MOST_LINKS = 40;

/** Pipes of the tmux executor; a pipe anywhere else would block the process that opens it. */
const PIPES = /^(done|lanes\/[^/]+\/in)$/;

/** Folder of another program, which checks it itself. */
const FOREIGN = "redis";

/**
 * Returns why a folder is not safe from other users; `null` when it is. It and each folder above it must belong to us
 * or to root. Other users may write only to a folder with the sticky bit. What is missing is ours to create; what our
 * permissions hide counts as safe.
 *
 * @param path An absolute path. Links on the way are followed when they belong to us or to root.
 */
export function whyUnsafe(path: string): string | null {
  const rest = partsOf(path);
  let links = 0;
  let at = "";
  let reason: string | null = null;
  while (reason === null) {
    const part = rest.shift();
    if (part === undefined) return null;
    if (part === "..") {
      at = at.slice(0, Math.max(0, at.lastIndexOf("/")));
      continue;
    }
    const next = `${at}/${part}`;
    const stat = checkAbove(next);
    if (stat === null) return null;
    if (stat === "hidden") {
      at = next;
      continue;
    }
    if (!stat.isSymlink && !stat.isDirectory) return null; // creating the folder reports it
    if (!stat.isSymlink) {
      reason = whyOpen(next, stat);
      at = next;
    } else if (isForeign(stat)) reason = belongs(next, stat);
    else if (++links > MOST_LINKS) reason = "its path has too many symbolic links";
    else {
      const target = Deno.readLinkSync(next);
      if (target.startsWith("/")) at = "";
      rest.unshift(...partsOf(target));
    }
  }
  return reason;
}

/**
 * Returns why a folder that only our program creates is not to be trusted. It must be a real folder, ours, and not
 * writable by others.
 */
export function whyNotOurs(path: string): string | null {
  const stat = checkOne(path);
  if (stat === null) return null;
  if (stat.isSymlink) return `${quoted(path)} is a symbolic link`;
  if (!stat.isDirectory) return `${quoted(path)} is no folder`;
  if (stat.uid !== null && stat.uid !== Deno.uid()) return belongs(path, stat);
  return (stat.mode ?? 0) & 0o022 ? `others may write into ${quoted(path)} (mode ${modeOf(stat)})` : null;
}

/**
 * Returns why the content of a runner's folder is not to be trusted; `null` when it is. Everything must belong to us or
 * to root, and be a file, a folder, or an expected pipe. Links lead elsewhere, and reading a pipe or a device may never
 * end.
 */
export function whyStrange(dir: string, below = ""): string | null {
  for (const { name } of Deno.readDirSync(below === "" ? dir : `${dir}/${below}`)) {
    const inside = below === "" ? name : `${below}/${name}`;
    const path = `${dir}/${inside}`;
    const stat = checkOne(path);
    if (stat === null) continue;
    const reason = whyStrangeFile(path, stat, PIPES.test(inside)) ??
      (stat.isDirectory && inside !== FOREIGN ? whyStrange(dir, inside) : null);
    if (reason !== null) return reason;
  }
  return null;
}

function whyStrangeFile(path: string, stat: Deno.FileInfo, pipe: boolean): string | null {
  if (isForeign(stat)) return belongs(path, stat);
  if (stat.isSymlink) return `${quoted(path)} is a symbolic link`;
  if (stat.isFile || stat.isDirectory || (pipe && stat.isFifo)) return null;
  return `${quoted(path)} is ${stat.isFifo ? "a pipe" : "no file"}`;
}

/** Returns the status of a file; `null` when it does not exist. */
function checkOne(path: string): Deno.FileInfo | null {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/**
 * Returns the status of a folder on the way to the spool, or `"hidden"`. The runtime's permissions may cover the spool
 * alone, and those of our user even less.
 */
function checkAbove(path: string): Deno.FileInfo | "hidden" | null {
  try {
    return checkOne(path);
  } catch (error) {
    const isHidden = error instanceof Deno.errors.NotCapable || error instanceof Deno.errors.PermissionDenied;
    if (isHidden) return "hidden";
    throw error;
  }
}

function whyOpen(path: string, stat: Deno.FileInfo): string | null {
  if (isForeign(stat)) return belongs(path, stat);
  const mode = stat.mode ?? 0;
  if (mode & 0o1000) return null;
  // by convention, a group with our user's number contains only our user, and the usual umask then lets it write
  const group = mode & 0o020 && stat.gid !== 0 && stat.gid !== Deno.uid();
  return mode & 0o002 || group ? `others may write into ${quoted(path)} (mode ${modeOf(stat)})` : null;
}

function isForeign({ uid }: Deno.FileInfo): boolean {
  return ![null, 0, Deno.uid()].includes(uid);
}

function belongs(path: string, { uid }: Deno.FileInfo): string {
  return `${quoted(path)} belongs to user ${uid}, not to user ${Deno.uid()}`;
}

function modeOf({ mode }: Deno.FileInfo): string {
  return ((mode ?? 0) & 0o7777).toString(8);
}

function partsOf(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}

function quoted(path: string): string {
  return JSON.stringify(path);
}
