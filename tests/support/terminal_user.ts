import { until } from "./until.ts";
import type { RunnerFixture } from "./runner_fixture.ts";

/** A user at a real terminal: a shell in a tmux server of its own, where the program is called `runner`. */
export class TerminalUser implements AsyncDisposable {
  readonly #fixture: RunnerFixture;
  readonly #socket: string;

  private constructor(fixture: RunnerFixture) {
    this.#fixture = fixture;
    this.#socket = `user-${fixture.name}`;
  }

  /** Sits down. `path` comes first among the folders of programs. */
  static async at(fixture: RunnerFixture, { path = "" }: { path?: string } = {}): Promise<TerminalUser> {
    const user = new TerminalUser(fixture);
    const program = Deno.env.get("RUNNER_BIN") ?? new URL("../../scripts/runner", import.meta.url).pathname;
    const bin = `${fixture.dir}/user`;
    await Deno.mkdir(bin);
    await Deno.writeTextFile(`${bin}/runner`, `#!/bin/sh\nexec '${program}' "$@"\n`, { mode: 0o755 });
    const folders = [...path === "" ? [] : [path], bin, Deno.env.get("PATH")];
    await user.#tmux(["new-session", "-d", "-x", "120", "-y", "30", "sh"], {
      PATH: folders.join(":"),
      ENV: "",
      // some users may have none
      SHELL: "/bin/sh",
      TERM: "xterm-256color",
    });
    await until("the prompt is there", async () => (await user.screen()).trim() !== "");
    return user;
  }

  async #tmux(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
    const { stdout } = await new Deno.Command("tmux", {
      args: ["-L", this.#socket, "-f", "/dev/null", ...args],
      clearEnv: true,
      env: this.#fixture.env(env),
      stdin: "null",
    }).output();
    return new TextDecoder().decode(stdout);
  }

  /** What the terminal shows; with `colours` as escape sequences. */
  screen(how: { readonly colours?: boolean } = {}): Promise<string> {
    return this.#tmux(["capture-pane", "-p", ...how.colours ? ["-e"] : []]);
  }

  async resizes(columns: number, rows: number): Promise<void> {
    await this.#tmux(["resize-window", "-x", String(columns), "-y", String(rows)]);
  }

  /** Types a text and Enter. */
  async types(text: string): Promise<void> {
    await this.#tmux(["send-keys", "-l", `${text}\n`]);
  }

  /** Presses keys, such as `C-b`. */
  async presses(...keys: string[]): Promise<void> {
    await this.#tmux(["send-keys", ...keys]);
  }

  /** Attaches to a job and waits until its terminal shows a text; what is said on stderr goes into a file. */
  async attaches(args: string, text: string): Promise<void> {
    await this.types(`clear; runner attach ${args} 2>'${this.#fixture.dir}/said'; echo "left with $?"`);
    await this.sees(text);
    await this.sees("leave: ");
  }

  /** Leaves; returns what was said first. */
  async leaves(): Promise<string> {
    await this.presses("C-b", "d");
    await this.sees("left with 0");
    return await Deno.readTextFile(`${this.#fixture.dir}/said`);
  }

  /** Waits until the terminal shows a text, or `what` a function accepts. */
  async sees(what: string, shown = (screen: string) => screen.includes(what)): Promise<void> {
    let last = "";
    await until(`the terminal shows ${JSON.stringify(what)}`, async () => shown(last = await this.screen()))
      .catch((error) => {
        throw new Error(`${error.message}; it shows:\n${last}`);
      });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tmux(["kill-server"]);
  }
}
