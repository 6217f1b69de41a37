/** A person at a terminal: a shell in a private tmux server. */
import { until } from "../support/until.ts";
import type { World } from "../support/world.ts";

/** The program, quoted for a shell. */
export const PROGRAM = `"${Deno.env.get("RUNNER_BIN") ?? new URL("../../scripts/runner", import.meta.url).pathname}"`;

/** A shell whose keys and screen the test has. */
export class Person implements AsyncDisposable {
  readonly #world: World;
  readonly #socket: string;

  private constructor(world: World) {
    this.#world = world;
    this.#socket = `person-${world.name}`;
  }

  static async at(world: World): Promise<Person> {
    const person = new Person(world);
    await person.#tmux("new-session", "-d", "-x", "100", "-y", "30", "sh");
    return person;
  }

  async #tmux(...args: string[]): Promise<string> {
    const { stdout } = await new Deno.Command("tmux", {
      args: ["-L", this.#socket, "-f", "/dev/null", ...args],
      clearEnv: true,
      env: this.#world.env({ PS1: "prompt> ", ENV: "", TERM: "xterm-256color" }),
      stdin: "null",
    }).output();
    return new TextDecoder().decode(stdout);
  }

  /** Types a line. */
  async types(line: string): Promise<void> {
    await this.#tmux("send-keys", "-l", `${line}\n`);
  }

  /** Presses a key, such as `C-c`. */
  async presses(key: string): Promise<void> {
    await this.#tmux("send-keys", key);
  }

  async resizes(columns: number, rows: number): Promise<void> {
    await this.#tmux("resize-window", "-x", String(columns), "-y", String(rows));
  }

  /** What is on the screen; with `colours` as escape sequences. */
  async screen(how: { readonly colours?: boolean } = {}): Promise<string> {
    return await this.#tmux("capture-pane", "-p", ...how.colours ? ["-e"] : []);
  }

  /** Waits until the screen is as wanted. */
  async sees(what: string, wanted: (screen: string) => boolean): Promise<void> {
    let last = "";
    await until(`${what}; the screen was`, async () => wanted(last = await this.screen())).catch((error) => {
      throw new Error(`${error.message}:\n${last}`);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tmux("kill-server");
  }
}
