import { pause } from "../support/gate.ts";
import { Proxy } from "../support/proxy.ts";
import type { RunnerProcess, World } from "../support/world.ts";

/** Lease of the runners, milliseconds. */
export const LEASE = 1500;
const RUNNER_ARGS = ["--beat", "300ms", "--lease", `${LEASE}ms`, "--concurrency", "6", "--kill-grace", "500ms"];

const NAIVE = [Deno.execPath(), "run", "-A", new URL("naive_runner.ts", import.meta.url).pathname];

/** A host: its runner, which comes back by itself, and its way to Redis. */
export class Host {
  readonly world: World;
  readonly letter: string;
  readonly proxy: Proxy;
  readonly #naive: string | undefined;
  runner: RunnerProcess | null = null;
  readonly unexpected: string[] = [];

  constructor(world: World, letter: string, naive: string | undefined) {
    this.world = world;
    this.letter = letter;
    this.#naive = naive;
    this.proxy = Proxy.start(world.redis.port);
  }

  get socket(): string {
    return `${this.world.socket}-${this.letter}`;
  }

  /** Starts a runner, as often as it takes: Redis may be away. */
  async up(): Promise<void> {
    const env: Record<string, string> = { REDIS_URL: this.proxy.address, RUNNER_TMUX_SOCKET: this.socket };
    if (this.#naive) env.NAIVE = this.#naive;
    for (;;) {
      const runner = await this.world.runner({
        spool: `${this.world.dir}/${this.letter}`,
        args: this.#naive ? [] : RUNNER_ARGS,
        env,
        program: this.#naive ? NAIVE : undefined,
        ready: false,
      });
      while (runner.code === null && !runner.log.includes("ready")) await pause(10);
      if (runner.code === null) {
        this.runner = runner;
        runner.ended.then((code) => this.#ended(runner, code));
        return;
      }
      if (runner.code !== 69) {
        this.unexpected.push(`runner ended with ${runner.code} at its start: ${tail(runner.log)}`);
      }
      await pause(100);
    }
  }

  #ended(runner: RunnerProcess, code: number): void {
    if (this.runner === runner) this.unexpected.push(`runner ended by itself with ${code}: ${tail(runner.log)}`);
  }

  async down(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const runner = this.runner!;
    this.runner = null;
    runner.signal(signal);
    const late = setTimeout(() => {
      this.unexpected.push(`runner did not end within 8 s of ${signal}: ${tail(runner.log)}`);
      runner.signal("SIGKILL");
    }, 8000);
    await runner.ended;
    clearTimeout(late);
  }

  async killTmux(): Promise<void> {
    const args = ["-L", this.socket, "kill-server"];
    await new Deno.Command("tmux", { args, stdin: "null", stdout: "null", stderr: "null" }).output();
  }
}

function tail(log: string): string {
  return log.split("\n").slice(-6).join(" | ");
}
