/** A file that jobs wait for, so that a test decides when they go on. */
export class Barrier {
  readonly path: string;

  /** @param dir Folder for the file. */
  constructor(dir: string, name = "go") {
    this.path = `${dir}/${name}`;
  }

  /** Shell text that waits until the barrier is open. */
  get wait(): string {
    return `until [ -e ${this.path} ]; do sleep 0.02; done`;
  }

  /** The same for many jobs at once, whose checks would keep the machine busy. */
  get idleWait(): string {
    return `until [ -e ${this.path} ]; do sleep 1; done`;
  }

  async open(): Promise<void> {
    await Deno.writeTextFile(this.path, "");
  }
}

/** Resolves after a time: for faults that have to last. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
