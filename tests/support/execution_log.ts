/**
 * A file to which every job appends a line when it runs: the only witness of executions that no program of ours can
 * talk to.
 */
export class ExecutionLog {
  readonly path: string;

  /** @param dir Folder for the file. */
  constructor(dir: string) {
    this.path = `${dir}/executions`;
  }

  /** Shell text that puts its execution on record, as the first thing that a job does: one `write` with O_APPEND. */
  get line(): string {
    return `echo "$RUNNER_JOB_ID $RUNNER_ATTEMPT" >> ${this.path}`;
  }

  /** Attempts that were executed, by job; an attempt that was executed twice stands there twice. */
  async executions(): Promise<Map<string, string[]>> {
    const found = new Map<string, string[]>();
    const text = await Deno.readTextFile(this.path).catch(() => "");
    for (const line of text.split("\n")) {
      if (line === "") continue;
      const [id, attempt] = line.split(" ");
      found.set(id, [...found.get(id) ?? [], attempt]);
    }
    return found;
  }

  /** Jobs that were executed so far. */
  async ran(id: string): Promise<boolean> {
    return (await this.executions()).has(id);
  }
}
