import { until } from "./until.ts";

async function run(command: string, ...args: string[]): Promise<boolean> {
  try {
    return (await new Deno.Command(command, { args, stdout: "null", stderr: "null" }).output()).success;
  } catch {
    return false;
  }
}

/** A disk of a few megabytes on a folder that is made for it. */
export class SmallDisk implements AsyncDisposable {
  readonly dir: string;

  private constructor(dir: string) {
    this.dir = dir;
  }

  /** Mounts it; `null` where that is not permitted. */
  static async mount(dir: string, size: string): Promise<SmallDisk | null> {
    await Deno.mkdir(dir, { recursive: true });
    return await run("mount", "-t", "tmpfs", "-o", `size=${size},mode=700`, "tmpfs", dir) ? new SmallDisk(dir) : null;
  }

  /** Fills all the room that is left. */
  async fill(): Promise<void> {
    await Deno.writeFile(`${this.dir}/filler`, new Uint8Array(32 << 20)).catch(() => {});
  }

  /** Gives that room back; resolves when a program can use it. */
  async free(): Promise<void> {
    await Deno.remove(`${this.dir}/filler`).catch(() => {}); // what was full before had no room for it
    const probe = `${this.dir}/room`;
    const hasRoom = () => Deno.writeFile(probe, new Uint8Array(64 << 10)).then(() => true, () => false);
    await until("the disk has room", hasRoom); // its file may be open for a moment longer
    await Deno.remove(probe);
  }

  /** Removes the disk; returns whether no process held it any more. What is open on it goes with its last process. */
  async unmount(): Promise<boolean> {
    const free = await until("the disk can be taken away", () => run("umount", this.dir), 3000).catch(() => false);
    if (!free) await run("umount", "-l", this.dir);
    return free;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!await this.unmount()) throw new Error(`Cannot take the disk ${this.dir} away: a process holds it`);
  }
}

async function probe(): Promise<boolean> {
  const dir = await Deno.makeTempDir();
  const disk = await SmallDisk.mount(`${dir}/disk`, "1m");
  await disk?.[Symbol.asyncDispose]();
  await Deno.remove(dir, { recursive: true });
  return disk !== null;
}

/** Whether there can be one here. */
export const canMount = await probe();

/** What the name of a test ends with that needs one. */
export const whyNoDisk = canMount ? "" : " (cannot run: no tmpfs may be mounted here)";
