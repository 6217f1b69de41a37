/**
 * Everything that a run of the real program needs, private and disposed: a Redis, a folder, a tmux server, runners as
 * child processes.
 *
 * @module
 */
import { RedisServer, type RedisServerOptions } from "./redis_server.ts";
import { until } from "./until.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const decoder = new TextDecoder();

/** What a finished program left. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How to start the program. */
export interface ProgramOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Uint8Array;
  readonly cwd?: string;
  /** Command that becomes the program: `nice -n 5`. */
  readonly prefix?: readonly string[];
  /** Another program in its place. */
  readonly program?: readonly string[];
}

/** How to start a runner. */
export interface RunnerOptions extends ProgramOptions {
  readonly args?: readonly string[];
  /** Spool folder; the fixture's own when left out. */
  readonly spool?: string;
  /** Wait until it claims jobs; default. */
  readonly ready?: boolean;
}

/** The program under test: the binary that RUNNER_BIN names, else main.ts with the permissions of the product. */
function program(): string[] {
  const binary = Deno.env.get("RUNNER_BIN");
  return binary ? [binary] : [`${ROOT}scripts/runner`];
}

/** A running `runner run`. */
export class RunnerProcess {
  readonly child: Deno.ChildProcess;
  /** Everything it said on stderr so far. */
  log = "";
  /** Its exit code, when it has ended; 128 + n after signal n. */
  code: number | null = null;
  readonly #over: Promise<number>;

  constructor(child: Deno.ChildProcess) {
    this.child = child;
    const said = this.#listen();
    this.#over = Promise.all([child.status, said]).then(([status]) => this.code = status.code);
  }

  /** Resolves with its exit code, and rejects when it still lives after a minute. */
  get ended(): Promise<number> {
    return until(`the runner has ended; it said:\n${this.log}`, () => this.code !== null, 60_000).then(() =>
      this.#over
    );
  }

  /** Resolves with its exit code, whenever that is. */
  get exited(): Promise<number> {
    return this.#over;
  }

  async #listen(): Promise<void> {
    for await (const text of this.child.stderr.pipeThrough(new TextDecoderStream())) this.log += text;
  }

  /** Waits until the log holds a text. */
  async says(text: string): Promise<void> {
    await until(`the runner says ${JSON.stringify(text)}; it said:\n${this.log}`, () => {
      if (this.log.includes(text)) return true;
      if (this.code !== null) throw new Error(`the runner has ended with code ${this.code}:\n${this.log}`);
      return false;
    });
  }

  signal(name: Deno.Signal): void {
    if (this.code === null) this.child.kill(name);
  }

  /** Ends it as a crash does, and waits until it is gone. */
  async kill9(): Promise<void> {
    this.signal("SIGKILL");
    await this.ended;
  }

  /** Ends it in good order, which it does in time, whatever it was at. */
  async stop(): Promise<number> {
    this.signal("SIGTERM");
    await until(`the runner leaves; it said:\n${this.log}`, () => this.code !== null);
    return await this.#over;
  }
}

/** A private fixture. */
export class RunnerFixture implements AsyncDisposable {
  readonly dir: string;
  readonly redis: RedisServer;
  /** Name of the runner, and part of the name of the tmux server. */
  readonly name: string;
  readonly #runners: RunnerProcess[] = [];
  readonly #sockets = new Set<string>();

  private constructor(dir: string, redis: RedisServer) {
    this.dir = dir;
    this.redis = redis;
    this.name = `t${crypto.randomUUID().slice(0, 8)}`;
  }

  static async create(options: RedisServerOptions = {}): Promise<RunnerFixture> {
    const dir = await Deno.makeTempDir({ prefix: "hero-runner-" });
    return new RunnerFixture(dir, await RedisServer.start(options));
  }

  /** Socket name of the runner's tmux server. */
  get socket(): string {
    return `runner-${this.name}`;
  }

  /** Folder of the runner's instance, in a spool folder or the fixture's own. */
  instance(spool = `${this.dir}/spool`): string {
    return `${spool}/${this.name}`;
  }

  /** Environment of every program that is started here. */
  env(more: Readonly<Record<string, string>> = {}): Record<string, string> {
    const inherited = ["PATH", "HOME", "DENO_DIR", "XDG_CACHE_HOME", "TMPDIR", "USER", "LANG", "NPM_CONFIG_REGISTRY"]
      .flatMap((name) => {
        const value = Deno.env.get(name);
        return value === undefined ? [] : [[name, value]];
      });
    const registry = Deno.env.get("RUNNER_REGISTRY");
    return {
      ...Object.fromEntries(inherited),
      DENO: Deno.execPath(),
      ...(registry ? { RUNNER_REGISTRY: registry } : {}),
      REDIS_URL: this.redis.address,
      RUNNER_NAME: this.name,
      RUNNER_SPOOL: `${this.dir}/spool`,
      XDG_CONFIG_HOME: `${this.dir}/config`,
      XDG_STATE_HOME: `${this.dir}/state`,
      ...more,
    };
  }

  #spawn(args: readonly string[], options: ProgramOptions, stdin: "piped" | "null"): Deno.ChildProcess {
    const [command, ...first] = [...options.prefix ?? [], ...options.program ?? program()];
    return new Deno.Command(command, {
      args: [...first, ...args],
      clearEnv: true,
      env: this.env(options.env),
      cwd: options.cwd ?? this.dir,
      stdin,
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  }

  /** Runs the program to its end. */
  async run(args: readonly string[], options: ProgramOptions = {}): Promise<Ran> {
    const child = this.#spawn(args, options, options.input === undefined ? "null" : "piped");
    if (options.input !== undefined) {
      const input = typeof options.input === "string" ? new TextEncoder().encode(options.input) : options.input;
      const writer = child.stdin.getWriter();
      await writer.write(input).catch(() => {});
      await writer.close().catch(() => {});
    }
    const { code, stdout, stderr } = await child.output();
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  }

  /** Submits a job with the program; returns its id. */
  async submit(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(["submit", ...args]);
    if (code !== 0) throw new Error(`submit ended with ${code}: ${stderr}`);
    return stdout.trim();
  }

  /** Puts a job into the queue as a foreign program does; returns its id. */
  async push(fields: Readonly<Record<string, string>>, id: string = crypto.randomUUID()): Promise<string> {
    await this.redis.call("HSET", `job_${id}`, ...Object.entries(fields).flat());
    await this.redis.call("LPUSH", `runner:${this.name}`, id);
    return id;
  }

  /** The fields of a job. */
  job(id: string): Promise<Record<string, string>> {
    return this.redis.hash(`job_${id}`);
  }

  /** Waits until a job has ended; returns its fields. */
  async ended(id: string, ms = 20_000): Promise<Record<string, string>> {
    return await until(`job ${id} has ended`, async () => {
      const job = await this.job(id);
      return (job.status === "finished" || job.status === "error") && job;
    }, ms);
  }

  /** Waits until a job has a status. */
  async reaches(id: string, status: string): Promise<void> {
    await until(`job ${id} is ${status}`, async () => await this.redis.call("HGET", `job_${id}`, "status") === status);
  }

  /** Starts a runner of this fixture's name. */
  async runner(options: RunnerOptions = {}): Promise<RunnerProcess> {
    const env: Record<string, string> = { ...options.env, ...(options.spool ? { RUNNER_SPOOL: options.spool } : {}) };
    this.#sockets.add(env.RUNNER_TMUX_SOCKET ?? this.socket);
    const child = this.#spawn(["run", ...options.args ?? []], { ...options, env }, "null");
    child.stdout.cancel();
    const runner = new RunnerProcess(child);
    this.#runners.push(runner);
    if (options.ready ?? true) await runner.says("ready");
    return runner;
  }

  /** Runs a tmux command in the runner's server; returns what it printed. */
  async tmux(...args: string[]): Promise<string> {
    const { stdout } = await new Deno.Command("tmux", {
      args: ["-L", this.socket, ...args],
      stdin: "null",
      stderr: "null",
    }).output();
    return decoder.decode(stdout);
  }

  /** Freezes the runner's tmux server until the answer is disposed of. */
  async freezeTmux(): Promise<Disposable> {
    const pid = Number(await this.tmux("display-message", "-p", "#{pid}"));
    if (!(pid > 1)) throw new Error("there is no tmux server");
    Deno.kill(pid, "SIGSTOP");
    return { [Symbol.dispose]: () => Deno.kill(pid, "SIGCONT") };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const runner of this.#runners) await runner.kill9();
    for (const socket of this.#sockets) await endTmux(socket);
    await this.redis[Symbol.asyncDispose]();
    await Deno.remove(this.dir, { recursive: true });
  }
}

/**
 * Ends a tmux server, and waits until it is gone: its panes write into folders that are removed next. One that is
 * frozen is killed.
 */
async function endTmux(socket: string): Promise<void> {
  const args = ["-L", socket, "kill-server"];
  const asked = new Deno.Command("tmux", { args, stdin: "null", stdout: "null", stderr: "null" }).spawn();
  await until("the tmux server has ended", () => tmuxOf(socket).length === 0, 3000).catch(() => {
    for (const pid of tmuxOf(socket)) {
      try {
        Deno.kill(pid, "SIGKILL");
      } catch {
        // it has ended
      }
    }
  });
  await asked.status;
}

/** Process ids of a tmux server and its clients. */
function tmuxOf(socket: string): number[] {
  return [...Deno.readDirSync("/proc")].map(({ name }) => Number(name)).filter((pid) => {
    try {
      const words = Deno.readTextFileSync(`/proc/${pid}/cmdline`).split("\0");
      return words[0].endsWith("tmux") && words.includes(socket);
    } catch {
      return false; // no process, or one that has ended
    }
  });
}
