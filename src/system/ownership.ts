import { SetupError } from "../domain/errors.ts";
import { messageOf } from "../domain/message_of.ts";
import type { Ownership } from "../ports/ownership.ts";

/** Processes that are remembered: more failed registrations in a row are not expected. */
const MOST = 64;

/** A process that may have registered, and the identity of its folder. */
interface Owner {
  readonly nonce: string;
  readonly boot: string;
  readonly dev: number;
  readonly ino: number | null;
}

/**
 * Reads and writes the file `owners` of an instance's folder, which records each nonce with device, inode and boot. A
 * copy of the folder has another inode, a snapshot or a container layer another device, and another host another boot.
 * No single one is enough, as containers share a boot.
 */
export function ownershipOf(dir: string, nonce: string): Ownership {
  const path = `${dir}/owners`;
  let mine: Owner | null = null;
  /** Earlier processes of this very folder. */
  let earlier: readonly Owner[] = [];
  let claimed: ReturnType<Ownership["claim"]> | null = null;

  async function claim(boot: string): ReturnType<Ownership["claim"]> {
    const { dev, ino } = await Deno.stat(dir);
    mine = { nonce, boot, dev, ino };
    const all = await read(path);
    await write(path, [...all, mine].slice(-MOST));
    // device numbers change with the boot only; a snapshot has the same inode on another device
    earlier = all.filter((one) => ino !== null && one.ino === ino && (one.boot !== boot || one.dev === dev));
    const proof = earlier.filter((one) => one.boot === boot && one.dev === dev);
    return { proof: proof.map((one) => one.nonce), lineage: earlier.map((one) => one.nonce) };
  }

  return {
    claim: (boot) =>
      claimed ??= claim(boot).catch((error) => {
        claimed = null;
        const why = messageOf(error);
        throw new SetupError(
          `Cannot write to the spool folder "${dir}": ${why}; make room there, or name another one`,
          {
            cause: error,
          },
        );
      }),
    async won() {
      // if this fails, the file keeps only processes that are gone
      if (mine) await write(path, [...earlier, mine].slice(-MOST)).catch(() => {});
    },
  };
}

/** Returns whether a process has ever registered from a folder. */
export async function hadOwner(dir: string): Promise<boolean> {
  return (await read(`${dir}/owners`)).length > 0;
}

async function read(path: string): Promise<Owner[]> {
  try {
    const owners = JSON.parse(await Deno.readTextFile(path));
    return Array.isArray(owners) ? owners.filter((one) => typeof one?.nonce === "string") : [];
  } catch {
    return []; // without proof, the process waits for the lease to expire
  }
}

/** Writes the file to disk before it resolves: Redis must have no process on record that the folder lacks. */
async function write(path: string, owners: readonly Owner[]): Promise<void> {
  const text = JSON.stringify(owners) + "\n";
  await Deno.writeTextFile(`${path}.new`, text, { mode: 0o600 });
  await sync(`${path}.new`, { write: true });
  await Deno.rename(`${path}.new`, path);
  await sync(path.slice(0, path.lastIndexOf("/")), { read: true });
}

async function sync(path: string, options: Deno.OpenOptions): Promise<void> {
  const file = await Deno.open(path, options);
  try {
    await file.sync();
  } finally {
    file.close();
  }
}
