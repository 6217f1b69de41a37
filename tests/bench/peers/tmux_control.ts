import { TextLineStream } from "./lines.ts";

/** A tmux server on a private socket, driven by one control connection: the floor of everything that works in tmux. */
export class TmuxControl implements AsyncDisposable {
  readonly #socket: string;
  readonly #child: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;

  private constructor(socket: string, child: Deno.ChildProcess) {
    this.#socket = socket;
    this.#child = child;
    this.#lines = child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream()).getReader();
    this.#input = child.stdin.getWriter();
  }

  static async start(): Promise<TmuxControl> {
    const socket = `bench-${crypto.randomUUID().slice(0, 8)}`;
    const child = new Deno.Command("tmux", {
      args: ["-L", socket, "-f", "/dev/null", "-C", "new-session", "-s", "bench", "sleep 100000"],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const control = new TmuxControl(socket, child);
    await control.#replies(1);
    return control;
  }

  /** Writes commands all at once and waits for the reply to each; rejects when one fails. */
  async run(commands: readonly string[]): Promise<void> {
    const written = this.#input.write(new TextEncoder().encode(commands.map((line) => `${line}\n`).join("")));
    await this.#replies(commands.length);
    await written;
  }

  async #replies(count: number): Promise<void> {
    for (let seen = 0; seen < count;) {
      const { value, done } = await this.#lines.read();
      if (done) throw new Error("Cannot measure tmux: its server has ended");
      if (value.startsWith("%error")) throw new Error("Cannot measure tmux: a command failed");
      if (value.startsWith("%end")) seen++;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Deno.Command("tmux", { args: ["-L", this.#socket, "kill-server"], stderr: "null" }).output();
    await this.#child.status;
    await this.#lines.cancel().catch(() => {});
    await this.#input.abort().catch(() => {});
  }
}
