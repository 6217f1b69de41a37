/** Limits of some jobs of the load, by their numbers of jobs that run at the same time; one of them is never set. */
export const LIMITS: Readonly<Record<string, number>> = { one: 1, three: 3 };

/**
 * A job that began while another one, which ran, had its permit; no other one when the number of its permit is too
 * large.
 */
export interface Clash {
  readonly id: string;
  readonly other: string | null;
  /** Unix ms. */
  readonly at: number;
}

/**
 * Lets jobs see for themselves which process has their permit: the only witness that no program of ours can talk to.
 */
export class Permits {
  readonly #dir: string;

  /** @param dir Folder for the files. */
  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Shell text that a job with a limit begins with. */
  witness(limit: string): string {
    const [file, clashes] = [`${this.#dir}/permit.${limit}.$RUNNER_SLOT`, `${this.#dir}/clashes`];
    const runs = `tr '\\0' '\\n' < /proc/$p/environ 2>/dev/null | grep -qx "RUNNER_RUN=$r"`;
    return [
      `if read -r p r o < ${file} && ${runs}; then echo "$RUNNER_JOB_ID $o $(date +%s)" >> ${clashes}; fi 2>/dev/null`,
      `echo "$$ $RUNNER_RUN $RUNNER_JOB_ID" > ${file}`,
      `[ "$RUNNER_SLOT" -lt ${LIMITS[limit]} ] || echo "$RUNNER_JOB_ID - $(date +%s)" >> ${clashes}`,
    ].join("; ");
  }

  async clashes(): Promise<Clash[]> {
    const text = await Deno.readTextFile(`${this.#dir}/clashes`).catch(() => "");
    return text.split("\n").filter((line) => line !== "").map((line) => {
      const [id, other, seconds] = line.split(" ");
      return { id, other: other === "-" ? null : other, at: Number(seconds) * 1000 };
    });
  }
}
