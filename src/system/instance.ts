import { SetupError } from "../domain/errors.ts";
import { messageOf } from "../domain/message_of.ts";
import { inTime } from "../domain/in_time.ts";
import { systemClock } from "./clock.ts";
import { isStill } from "./files.ts";
import { whyNotOurs, whyStrange, whyUnsafe } from "./safe_folder.ts";

/** Longest wait for the lock of a process that is just ending, milliseconds. */
const LOCK_WAIT = 1000;

/**
 * Pause between two touches of files that nothing else writes, milliseconds: clean-ups of temporary folders remove old
 * files.
 */
const TOUCH_EVERY = 3_600_000;

/** The identity of a runner on this host, held by one process at a time. */
export interface Instance {
  /** Folder of the instance, mode 0700. */
  readonly dir: string;
  /** Identity; stable for this folder. */
  readonly id: string;
  /** Random part, new for each process: 12 hex digits. */
  readonly nonce: string;
  /**
   * Returns the path of its lock when that is no longer the file that this process holds, so that another one could
   * start; else `null`.
   */
  missing(): Promise<string | null>;
  /** Releases the locks, so that the next process can start. */
  release(): void;
}

/**
 * Opens the folder of a runner instance: creates it, verifies that other users cannot write to it, locks it, and reads
 * or creates its identity.
 *
 * @param dir An absolute path.
 * @throws {SetupError} The folder cannot be used, or another process holds it.
 */
export async function openInstance(dir: string): Promise<Instance> {
  let folder: Deno.FsFile | undefined;
  let lock: Deno.FsFile | undefined;
  try {
    refuse(dir, whyUnsafe(dir));
    await Deno.mkdir(dir, { recursive: true, mode: 0o700 });
    // repeated: another user may have created it meanwhile
    refuse(dir, whyUnsafe(dir) ?? whyNotOurs(dir));
    folder = await Deno.open(dir);
    // clean-ups of temporary folders skip what is locked; network disks do not lock folders, and have no such clean-ups
    await gotLock(folder).catch(() => {});
    refuse(dir, whyStrange(dir));
    lock = await Deno.open(`${dir}/lock`, { create: true, write: true, mode: 0o600 });
    await exclusive(lock, dir);
    const id = await identity(`${dir}/instance`);
    const nonce = crypto.randomUUID().replaceAll("-", "").slice(0, 12);
    const held = await lock.stat();
    let touchedMs = -Infinity;
    // the lock also shows that its folder was removed or replaced
    const missing = async () => {
      if (!await isStill(`${dir}/lock`, held)) return `${dir}/lock`;
      if (performance.now() - touchedMs > TOUCH_EVERY) {
        touchedMs = performance.now();
        for (const name of ["lock", "instance"]) await touch(`${dir}/${name}`);
      }
      return null;
    };
    const release = () => {
      lock!.close();
      folder!.close();
    };
    return { dir, id, nonce, missing, release };
  } catch (error) {
    lock?.close();
    folder?.close();
    throw unusable(dir, error);
  }
}

/**
 * Converts an error of the file system into one for the person who starts a runner. A full folder must be kept: with
 * another one its jobs would be lost.
 */
export function unusable(dir: string, error: unknown): SetupError {
  if (error instanceof SetupError) return error;
  const why = messageOf(error);
  const remedy = /os error (28|122)\b/.test(why) ? "make room there" : "name another one with --spool";
  return new SetupError(`Cannot use spool folder "${dir}": ${why}; ${remedy}`, { cause: error });
}

/** Sets a file's times to now. A disk that is full or read-only is no reason to end. */
async function touch(path: string): Promise<void> {
  const now = new Date();
  await Deno.utime(path, now, now).catch(() => {});
}

function refuse(dir: string, reason: string | null): void {
  if (reason === null) return;
  throw new SetupError(
    `Cannot use spool folder "${dir}": ${reason}; ` +
      `name a folder of your own with --spool, or see who did that and remove it`,
  );
}

/**
 * Locks a file with `flock(2)`: the kernel releases the lock with the process, however that ends. Returns whether the
 * lock came in time.
 */
function gotLock(file: Deno.FsFile): Promise<boolean> {
  return inTime(file.lock(true), { clock: systemClock, ms: LOCK_WAIT });
}

async function exclusive(file: Deno.FsFile, dir: string): Promise<void> {
  if (!await gotLock(file)) {
    throw new SetupError(
      `Cannot start: a runner with this name already runs on this host (it holds "${dir}/lock"); ` +
        `stop it first, or choose another --name`,
    );
  }
}

async function identity(path: string): Promise<string> {
  try {
    const id = (await Deno.readTextFile(path)).trim();
    if (/^[0-9a-f-]{36}$/.test(id)) return id;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const id = crypto.randomUUID();
  await Deno.writeTextFile(path, id + "\n", { mode: 0o600 });
  return id;
}
