import type { OutputSample } from "../../src/domain/output.ts";
import type { AttemptEnd, Executor, HostFacts, Launch, OpenedExecutor } from "../../src/ports/executor.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { until } from "../support/until.ts";

let count = 0;

/** A launch with everything that a test does not care about. */
export function launchOf(payload: string, changes: Partial<Launch> = {}): Launch {
  const number = ++count;
  return {
    name: `${number.toString(16).padStart(32, "0")}.1.0123456789ab`,
    id: `job-${number}`,
    attempt: 1,
    target: "tmux.main",
    payload,
    env: {},
    cwd: null,
    timeoutMs: null,
    title: "",
    keep: null,
    slots: [0],
    ...changes,
  };
}

/** Text of a whole output. */
export function textOf(output: OutputSample): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(output.head);
}

/** An open executor, with what it has reported. */
export class ExecutorFixture {
  readonly executor: Executor;
  readonly facts: HostFacts;
  /** Ends in the order in which they were reported. */
  readonly ends: AttemptEnd[] = [];
  readonly #waiting = new Map<string, PromiseWithResolvers<AttemptEnd>>();

  private constructor({ executor, facts }: OpenedExecutor) {
    this.executor = executor;
    this.facts = facts;
  }

  static async open(open: () => Promise<OpenedExecutor>): Promise<ExecutorFixture> {
    const fixture = new ExecutorFixture(await open());
    void fixture.#noteEnds();
    return fixture;
  }

  async #noteEnds(): Promise<void> {
    for await (const end of this.executor.ends) this.#ended(end);
  }

  #ended(end: AttemptEnd): void {
    const before = this.ends.find((one) => one.name === end.name);
    assert(before === undefined, `the end of ${end.name} was told twice`);
    this.ends.push(end);
    this.#slot(end.name).resolve(end);
  }

  #slot(run: string): PromiseWithResolvers<AttemptEnd> {
    let slot = this.#waiting.get(run);
    if (!slot) this.#waiting.set(run, slot = Promise.withResolvers());
    return slot;
  }

  /** The end of a run, when it comes; one that does not come within 20 s never will. */
  async end(run: string): Promise<AttemptEnd> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`Cannot wait longer for the end of ${run}`)), 20_000);
    });
    try {
      return await Promise.race([this.#slot(run).promise, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Launches a run and waits for its end. */
  async run(launch: Launch): Promise<AttemptEnd> {
    await this.executor.launch(launch);
    return await this.end(launch.name);
  }

  /** Runs a payload; it must exit 0. Returns its output. */
  async output(payload: string, changes: Partial<Launch> = {}): Promise<string> {
    const end = await this.run(launchOf(payload, changes));
    assertEquals([end.kind, end.code, end.output.truncated], ["exited", 0, false], textOf(end.output));
    return textOf(end.output);
  }

  /** The whole output of a run, however large. */
  async whole(run: string): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    for (let offset = 0;;) {
      const { offset: from, bytes } = await this.executor.read(run, offset, 1 << 20);
      if (bytes.length === 0) return new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer());
      assertEquals(from, offset);
      parts.push(bytes);
      offset += bytes.length;
    }
  }
}

/** A run that says `up` and then waits for the file `go` in a folder. */
export function patient(dir: string, changes: Partial<Launch> = {}, after = "exit 0"): Launch {
  return launchOf(`echo up; until [ -e '${dir}/go' ]; do sleep 0.02; done; ${after}`, changes);
}

/** Waits until a run has written something. */
export async function up(fixture: ExecutorFixture, run: string): Promise<void> {
  await until(`${run} is up`, async () => (await fixture.executor.read(run, 0, 3)).bytes.length > 0);
}
