/** A small disk of its own in memory, to be filled to its last block. */
export class SmallDisk {
  readonly dir: string;

  private constructor(dir: string) {
    this.dir = dir;
  }

  /** Makes the folder and mounts a disk there; `null` where none may be mounted. */
  static async mount(dir: string, megabytes: number): Promise<SmallDisk | null> {
    await Deno.mkdir(dir, { recursive: true });
    const mounted = await run("mount", "-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", dir);
    return mounted ? new SmallDisk(dir) : null;
  }

  /** Takes every free block. */
  async fill(): Promise<void> {
    await run("sh", "-c", `cat /dev/zero >'${this.dir}/filler'`);
  }

  /** Gives the blocks back. */
  async makeRoom(): Promise<void> {
    await Deno.remove(`${this.dir}/filler`).catch(() => {});
  }

  /** Takes the disk away; answers whether nothing held it any more. What is open on it goes with its last process. */
  async unmount(): Promise<boolean> {
    for (let tries = 0; tries < 50; tries++) {
      if (await run("umount", this.dir)) return true;
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
    await run("umount", "-l", this.dir);
    return false;
  }
}

/** Whether a disk may be mounted in a folder. */
export async function canMount(dir: string): Promise<boolean> {
  const disk = await SmallDisk.mount(`${dir}/probe`, 1);
  return disk !== null && await disk.unmount();
}

async function run(command: string, ...args: string[]): Promise<boolean> {
  try {
    const output = await new Deno.Command(command, { args, stdin: "null", stdout: "null", stderr: "null" }).output();
    return output.success;
  } catch {
    return false; // there is no such program
  }
}
