/**
 * A place where real tmux servers, and the scripts that kill processes, can do no harm: a process namespace of its own.
 * What runs in it sees no process outside, and all of it dies with it, so that no test leaves anything behind.
 *
 * @module
 */
import { openTmux } from "../../src/executors/tmux/open_tmux.ts";
import type { Executor, OpenedExecutor } from "../../src/ports/executor.ts";
import type { TmuxOptions } from "../../src/executors/tmux/options.ts";
import type { ChildProcess, Process } from "../../src/ports/process.ts";
import { systemClock } from "../../src/system/clock.ts";
import { digestOf } from "../../src/system/digest.ts";
import { systemFiles } from "../../src/system/files.ts";
import { systemProcess } from "../../src/system/process.ts";
import { SmallDisk, whyNoDisk } from "./small_disk.ts";
import { until } from "./until.ts";

/** Ways to make a namespace: as root, and as a user whose kernel allows user namespaces. */
const WAYS = [
  { make: ["--pid", "--fork", "--mount-proc", "--kill-child"], enter: [] as string[] },
  { make: ["--user", "--map-root-user", "--pid", "--fork", "--mount-proc", "--kill-child"], enter: ["--user"] },
];

/** The longest time of a test, milliseconds. */
const LIMIT = 45_000;

async function possibleWay() {
  for (const way of WAYS) {
    try {
      const tried = await new Deno.Command("unshare", { args: [...way.make, "true"], stdout: "null", stderr: "null" })
        .output();
      if (tried.success) return way;
    } catch {
      // no unshare at all
    }
  }
  return null;
}

const way = await possibleWay();

/** Why no namespace can be had; `null` when one can. */
export const WHY_NOT = way ? null : "unshare --pid is not permitted here, and the kill script is never run without it";

/**
 * A test that runs in a namespace, for `limit` milliseconds at the most. Where there can be none it counts as ignored,
 * never as passed, and its name says why.
 */
export function isolatedTest(
  name: string,
  body: (host: TmuxHost) => Promise<void>,
  limit = LIMIT,
  diskSize: string | null = null,
): void {
  const why = WHY_NOT === null ? (diskSize === null ? "" : whyNoDisk) : ` (cannot run: ${WHY_NOT})`;
  Deno.test({
    name: name + why,
    ignore: why !== "",
    fn: async () => {
      await using host = await TmuxHost.start(diskSize);
      let timer: ReturnType<typeof setTimeout> | undefined;
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`Cannot wait longer than ${limit} ms for a test`)), limit);
      });
      await Promise.race([body(host), late]).finally(() => clearTimeout(timer));
    },
  });
}

/** A test whose spool is on a disk of its own of 4 MiB. */
export function smallDiskTest(name: string, body: (host: TmuxHost) => Promise<void>): void {
  isolatedTest(name, body, LIMIT, "4m");
}

/** A process namespace with a folder for spools and sockets. */
export class TmuxHost implements AsyncDisposable {
  /** For spools, sockets, and whatever a test wants. */
  readonly dir: string;
  readonly #holder: Deno.ChildProcess;
  readonly #enter: string[];
  readonly #executors: Executor[] = [];
  /** What the spool is on, when it has a disk of its own. */
  readonly disk: SmallDisk | null;
  /** Children that were started in the namespace, oldest first. */
  readonly children: ChildProcess[] = [];

  private constructor(dir: string, disk: SmallDisk | null, holder: Deno.ChildProcess) {
    this.dir = dir;
    this.disk = disk;
    this.#holder = holder;
    const of = `/proc/${holder.pid}/ns`;
    const user = way!.enter.length > 0 ? [`--user=${of}/user`, "--preserve-credentials"] : [];
    this.#enter = [...user, `--pid=${of}/pid_for_children`, `--mount=${of}/mnt`, "--"];
  }

  static async start(diskSize: string | null): Promise<TmuxHost> {
    const dir = await Deno.makeTempDir({ dir: "/var/tmp", prefix: "tmux-test-" });
    const disk = diskSize === null ? null : await SmallDisk.mount(`${dir}/spool`, diskSize);
    // its first process adopts orphans, as init does
    const holder = new Deno.Command("unshare", {
      args: [...way!.make, "sh", "-c", "echo ready; while :; do sleep 1000 & wait; done"],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const reader = holder.stdout.getReader();
    await reader.read();
    await reader.cancel();
    return new TmuxHost(dir, disk, holder);
  }

  /** Starts programs inside. */
  get process(): Process {
    return {
      run: (command, args, options) => systemProcess.run("nsenter", [...this.#enter, command, ...args], options),
      spawn: (command, args, options) => {
        const child = systemProcess.spawn("nsenter", [...this.#enter, command, ...args], options);
        this.children.push(child);
        return child;
      },
    };
  }

  /** Variables of everything inside. */
  get env(): Record<string, string> {
    const env = Deno.env.toObject();
    return { HOME: env.HOME, PATH: env.PATH, USER: env.USER ?? "root", LANG: "C.UTF-8", TMUX_TMPDIR: this.dir };
  }

  /** Options of an executor inside; the same spool and server each time. */
  options(changes: Partial<TmuxOptions> = {}): TmuxOptions {
    const quiet = () => {};
    return {
      files: systemFiles,
      process: this.process,
      clock: { ...systemClock, random: () => 0 }, // lanes are numbered from 1
      wallClock: Date.now,
      log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
      newId: () => crypto.randomUUID(),
      digestOf,
      spool: `${this.dir}/spool`,
      socket: "test",
      instance: "one",
      killGraceMs: 500,
      cwd: this.dir,
      env: this.env,
      ...changes,
    };
  }

  /** Returns what opens an executor inside; it is closed with the host. */
  executor(changes: Partial<TmuxOptions> = {}): (signal?: AbortSignal) => Promise<OpenedExecutor> {
    return async (signal) => {
      const opened = await openTmux(this.options(changes), signal);
      this.#executors.push(opened.executor);
      return opened;
    };
  }

  /** Runs a shell command inside; returns what it wrote, without the last line feed. */
  async sh(command: string): Promise<string> {
    const output = await new Deno.Command("nsenter", {
      args: [...this.#enter, "sh", "-c", command],
      clearEnv: true,
      env: this.env,
      stdin: "null",
      stderr: "null",
    }).output();
    return new TextDecoder().decode(output.stdout).replace(/\n$/, "");
  }

  /** A shell command that prints the process id of the program that writes the log of lane 1. */
  get writer(): string {
    return `pgrep -x dd -P "$(cut -d ' ' -f 1 '${this.dir}/spool/lanes/1/writer')"`;
  }

  /** Runs a command of the tests' tmux server; returns the lines of its output. */
  async tmux(command: string, socket = "test"): Promise<string[]> {
    const text = await this.sh(`tmux -L ${socket} ${command}`);
    return text === "" ? [] : text.split("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const executor of this.#executors) await executor.close();
    this.#holder.kill("SIGKILL");
    await this.#holder.status;
    await Promise.all(this.children.map((child) => Promise.all([child.end(), child.exited])));
    await this.disk?.[Symbol.asyncDispose]();
    // what a test left running may still write there
    await until("its folder is gone", () => Deno.remove(this.dir, { recursive: true }).then(() => true, () => false));
  }
}
