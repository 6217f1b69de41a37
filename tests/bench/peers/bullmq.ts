/**
 * BullMQ, by processes of node: a `Worker`, and a client that carries out requests.
 *
 * @module
 */
import { TextLineStream } from "./lines.ts";
import { Absent } from "../harness.ts";

const PROGRAM = new URL("./bullmq.mjs", import.meta.url).pathname;

/** The folder that scripts/bench.sh installs it into. */
function home(): string {
  const cache = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME")}/.cache`;
  return Deno.env.get("BULLMQ_HOME") ?? `${cache}/hero-runner/bench`;
}

/** A process of node. */
class Part implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#lines = child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream()).getReader();
    this.#input = child.stdin.getWriter();
  }

  static async start(args: readonly string[]): Promise<Part> {
    const folder = home();
    const there = await Deno.stat(`${folder}/node_modules/ioredis`).catch(() => null);
    if (!there) throw new Absent("scripts/bench.sh installs it from npm");
    const child = new Deno.Command("node", {
      args: [PROGRAM, ...args],
      env: { BULLMQ_HOME: folder },
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const part = new Part(child);
    await part.line();
    return part;
  }

  get pid(): number {
    return this.#child.pid;
  }

  async line(): Promise<string> {
    const { value, done } = await this.#lines.read();
    if (done) throw new Error("Cannot measure BullMQ: its program has ended");
    return value;
  }

  async write(line: string): Promise<void> {
    await this.#input.write(new TextEncoder().encode(line));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
    await this.#lines.cancel().catch(() => {});
    await this.#input.abort().catch(() => {});
  }
}

/** A `Worker` and a client on one Redis. */
export class BullMq implements AsyncDisposable {
  readonly #consumer: Part | null;
  readonly #client: Part;

  private constructor(client: Part, consumer: Part | null) {
    this.#client = client;
    this.#consumer = consumer;
  }

  /** @param slots Jobs side by side; 0: no `Worker`. */
  static async start(port: number, slots: number): Promise<BullMq> {
    const consumer = slots > 0 ? await Part.start(["worker", String(port), String(slots)]) : null;
    return new BullMq(await Part.start(["client", String(port)]), consumer);
  }

  /** Process id of the `Worker`. */
  get pid(): number {
    return this.#consumer!.pid;
  }

  /** Lets the client do something; returns what it found and how long that lasted, in milliseconds. */
  async ask(verb: string, request: Readonly<Record<string, unknown>>): Promise<{ ms: number; value?: number[] }> {
    await this.#client.write(`${JSON.stringify({ verb, ...request })}\n`);
    return JSON.parse(await this.#client.line());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#consumer?.[Symbol.asyncDispose]();
    await this.#client[Symbol.asyncDispose]();
  }
}
