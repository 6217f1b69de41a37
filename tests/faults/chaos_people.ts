import { pause } from "../support/barrier.ts";
import { type Host, quietly } from "./chaos_host.ts";

/** The sessions of the runners themselves: people have no business there. */
const HOLDER = "_runner";

/** People at the terminals of a host: they attach, resize, leave, and have sessions of their own. They type nothing. */
export class People {
  readonly #host: Host;
  readonly #random: () => number;
  readonly #visitors: Promise<void>[];
  #over = false;
  /** Visits so far. */
  visits = 0;

  constructor(host: Host, count: number, random: () => number) {
    this.#host = host;
    this.#random = random;
    this.#visitors = Array.from({ length: count }, (_, i) => this.#come(`visitor-${i}`));
  }

  /** Sends them home. */
  async leave(): Promise<void> {
    this.#over = true;
    await Promise.all(this.#visitors);
  }

  async #come(name: string): Promise<void> {
    while (!this.#over) {
      await pause(this.#random() * 200);
      try {
        await (this.#random() < 0.7 ? this.#attach() : this.#ownSession(name));
      } catch {
        // the server is away or frozen
      }
      this.visits++;
    }
  }

  /** `-N`: a server is started by runners alone. */
  #tmux(...args: string[]): Promise<string> {
    return quietly("tmux", "-N", "-L", this.#host.socket, ...args);
  }

  async #attach(): Promise<void> {
    const random = this.#random;
    const sessions = (await this.#tmux("list-sessions", "-F", "#{session_name}")).split("\n")
      .filter((name) => name !== "" && !name.startsWith(HOLDER));
    if (sessions.length === 0) return await pause(200);
    const session = sessions[Math.floor(random() * sessions.length)];
    const how = random() < 0.3 ? "-r " : "";
    const size = () => `rows ${10 + Math.floor(random() * 40)} cols ${30 + Math.floor(random() * 120)}`;
    const command = `stty ${size()}; exec tmux -N -L ${this.#host.socket} attach ${how}-t '=${session}'`;
    const child = new Deno.Command("script", {
      args: ["-qec", command, "/dev/null"],
      env: { TERM: "xterm-256color", TMUX: "", SHELL: "/bin/sh" },
      stdin: "piped", // at its end a ^D would be typed into the terminal
      stdout: "null",
      stderr: "null",
    }).spawn();
    await pause(50 + random() * 450);
    const clients = await this.#tmux("list-clients", "-t", `=${session}`, "-F", "#{client_tty}");
    const tty = clients.split("\n").find((line) => line.startsWith("/dev/"));
    if (tty && random() < 0.4) {
      await quietly("stty", "-F", tty, ...size().split(" "));
      await pause(random() * 200);
    }
    // some leave, others close their terminal
    if (tty && random() < 0.5) await this.#tmux("detach-client", "-t", tty);
    try {
      child.kill(random() < 0.5 ? "SIGKILL" : "SIGTERM");
    } catch {
      // it has left
    }
    await child.status;
    await child.stdin.close().catch(() => {});
  }

  async #ownSession(name: string): Promise<void> {
    const target = `=${name}`;
    await this.#tmux("new-session", "-d", "-e", "VISITOR=1", "-s", name, "sleep 60");
    for (let i = Math.floor(this.#random() * 4); i > 0; i--) {
      await this.#tmux(
        "new-window",
        "-d",
        "-t",
        `${target}:`,
        "-n",
        `w${i}`,
        this.#random() < 0.5 ? "sleep 60" : "true",
      );
      await pause(this.#random() * 100);
      await this.#tmux("kill-window", "-t", `${target}:w${i}`);
    }
    await this.#tmux("kill-session", "-t", target);
  }
}
