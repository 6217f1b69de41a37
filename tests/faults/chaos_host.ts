import { SmallDisk } from "../support/small_disk.ts";
import { pause } from "../support/barrier.ts";
import { Proxy } from "../support/proxy.ts";
import { until } from "../support/until.ts";
import type { RunnerFixture, RunnerProcess } from "../support/runner_fixture.ts";
import type { Timeline } from "./chaos_timeline.ts";

/** Lease of the runners, milliseconds. */
export const LEASE = 1500;
/** Longer than all faults of a host in a row are: only an instance whose spool is gone is given up. */
const LOST_AFTER = "20s";
const RUNNER_ARGS = ["--heartbeat", "300ms", "--lease", `${LEASE}ms`, "--concurrency", "6", "--kill-grace", "500ms"]
  .concat("--lost-after", LOST_AFTER);

/** The longest time from a signal to the end of a runner, whatever is frozen, milliseconds. */
const STOP_LIMIT = 10_000;
/** The longest start, milliseconds: beside a tmux server that is frozen for as long as the driver does it. */
const START_LIMIT = 30_000;
/** Size of a host's disk. */
const DISK = "24m";

const NAIVE = [Deno.execPath(), "run", "-A", new URL("naive_runner.ts", import.meta.url).pathname];

/** Faults that excuse a runner which does not start, and what it has to say then. */
const START_EXCUSES: readonly [string, RegExp][] = [
  ["disk_full", /space|disk|spool/i],
  ["tmux_frozen", /tmux/i],
  ["term_frozen", /tmux/i],
  ["tmux_kill", /Cannot use "?tmux/],
  ["tmux_crash", /Cannot use "?tmux/],
  ["copied_spool", /spool|instance|already runs/i],
];

/** A host: its disk, its runner, which comes back by itself, and its way to Redis. */
export class Host {
  readonly fixture: RunnerFixture;
  readonly letter: string;
  readonly timeline: Timeline;
  readonly proxy: Proxy;
  readonly #naive: string | undefined;
  runner: RunnerProcess | null = null;
  /** A disk of its own under its spool, where one may be mounted. */
  disk: SmallDisk | null = null;
  readonly unexpected: string[] = [];
  readonly #runners: RunnerProcess[] = [];
  #copies = 0;

  constructor(fixture: RunnerFixture, letter: string, timeline: Timeline, naive?: string) {
    this.fixture = fixture;
    this.letter = letter;
    this.timeline = timeline;
    this.#naive = naive;
    this.proxy = Proxy.start(fixture.redis.port);
  }

  get socket(): string {
    return `${this.fixture.socket}-${this.letter}`;
  }

  get spool(): string {
    return `${this.fixture.dir}/${this.letter}`;
  }

  /** Its folder in the spool. */
  get instance(): string {
    return this.fixture.instance(this.spool);
  }

  async mountDisk(): Promise<void> {
    this.disk = await SmallDisk.mount(this.spool, DISK);
  }

  /** Lines of the logs of all its runners that name a job. */
  said(id: string): string[] {
    const about = new RegExp(`\\bjob=${id}\\b`);
    return this.#runners.flatMap(({ log, child }) =>
      log.split("\n").filter((line) => about.test(line)).map((line) =>
        `${id}: runner ${child.pid} on ${this.letter}: ${line}`
      )
    );
  }

  async #start(how: { spool?: string; socket?: string; args?: string[] } = {}): Promise<RunnerProcess> {
    const env: Record<string, string> = {
      REDIS_URL: this.proxy.address,
      RUNNER_TMUX_SOCKET: how.socket ?? this.socket,
    };
    if (this.#naive) env.NAIVE = this.#naive;
    const runner = await this.fixture.runner({
      spool: how.spool ?? this.spool,
      args: this.#naive ? [] : [...RUNNER_ARGS, ...how.args ?? []],
      env,
      program: this.#naive ? NAIVE : undefined,
      ready: false,
    });
    this.#runners.push(runner);
    return runner;
  }

  /** Starts a runner, as often as needed: Redis may be away. */
  async up(): Promise<void> {
    for (;;) {
      const since = Date.now();
      const runner = await this.#start();
      const end = performance.now() + START_LIMIT;
      while (runner.code === null && !runner.log.includes("ready") && performance.now() < end) await pause(10);
      if (runner.code === null && runner.log.includes("ready")) return this.#isUp(runner, since);
      if (runner.code === null) {
        this.unexpected.push(`runner neither ready nor over within ${START_LIMIT} ms: ${tail(runner.log)}`);
        runner.signal("SIGKILL");
        await runner.exited;
      } else if (runner.code !== 69 && !this.#mayNotStart(runner, since)) {
        this.unexpected.push(`runner ended with ${runner.code} at its start: ${tail(runner.log)}`);
      }
      await pause(100);
    }
  }

  #mayNotStart(runner: RunnerProcess, since: number): boolean {
    return runner.code === 1 &&
      START_EXCUSES.some(([fault, says]) => this.timeline.hit([fault], this.letter, since) && says.test(runner.log));
  }

  async #isUp(runner: RunnerProcess, since: number): Promise<void> {
    this.runner = runner;
    runner.exited.then((code) => this.#ended(runner, code, since));
    const id = await this.#id();
    if (id) this.timeline.belongs(id, this.letter);
  }

  async #id(): Promise<string> {
    return (await Deno.readTextFile(`${this.instance}/instance`).catch(() => "")).trim();
  }

  /** A runner whose spool was deleted since it started may end, with a sentence about that. */
  #ended(runner: RunnerProcess, code: number, since: number): void {
    if (this.runner !== runner) return;
    this.runner = null;
    const excused = code === 1 && /spool/.test(runner.log) &&
      this.timeline.hit(["spool_deleted"], this.letter, since);
    if (!excused) this.unexpected.push(`runner ended by itself with ${code}: ${tail(runner.log)}`);
  }

  async down(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const runner = this.runner;
    this.runner = null;
    if (runner) await this.#end(runner, signal);
  }

  async #end(runner: RunnerProcess, signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    runner.signal(signal);
    const late = setTimeout(() => {
      this.unexpected.push(`runner did not end within ${STOP_LIMIT / 1000} s of ${signal}: ${tail(runner.log)}`);
      runner.signal("SIGKILL");
    }, STOP_LIMIT);
    await runner.exited;
    clearTimeout(late);
  }

  /** Waits until its lease has most of its time before it; not for ever, as a fault may keep it from that. */
  async heartbeats(): Promise<void> {
    const id = await this.#id();
    await until(`host ${this.letter} heartbeats`, async () => {
      const [seconds, micros] = (await this.fixture.redis.call("TIME") as string[]).map(Number);
      const end = Number(await this.fixture.redis.call("ZSCORE", `rr:lease:${this.fixture.name}`, id));
      return end - seconds * 1000 - micros / 1000 > LEASE / 2;
    }, 5000).catch(() => {});
  }

  /** Copies the folder of its instance as it is now; returns the spool of the copy. */
  async copySpool(): Promise<string> {
    const spool = `${this.spool}-copy-${++this.#copies}`;
    await Deno.mkdir(spool);
    await quietly("cp", "-a", this.instance, spool);
    return spool;
  }

  /** A runner on a copy, ended in good order when it was let in. Returns whether it was. */
  async runCopy(spool: string, socket: string, ms: number): Promise<boolean> {
    const runner = await this.#start({ spool, socket, args: ["--drain"] });
    const decided = () => runner.code !== null || runner.log.includes("ready");
    const limit = performance.now() + START_LIMIT;
    while (!decided() && performance.now() < limit) await pause(10);
    const over = performance.now() + ms;
    while (runner.code === null && performance.now() < over) await pause(10);
    const wasIn = runner.log.includes("ready");
    if (!decided()) this.unexpected.push(`runner of a copied spool neither ready nor over: ${tail(runner.log)}`);
    if (runner.code === null) await this.#end(runner, "SIGTERM");
    else if (!wasIn && ![1, 69].includes(runner.code)) {
      this.unexpected.push(`runner of a copied spool ended with ${runner.code}: ${tail(runner.log)}`);
    }
    if (socket !== this.socket) await quietly("tmux", "-L", socket, "kill-server");
    await Deno.remove(spool, { recursive: true }).catch(() => {});
    await this.#endTerminalsOf(spool);
    return wasIn;
  }

  /** As a person would who deletes a copy: what works in it keeps the original from starting. */
  async #endTerminalsOf(spool: string): Promise<void> {
    const panes = await quietly(
      "tmux",
      "-L",
      this.socket,
      "list-panes",
      "-a",
      "-F",
      "#{pane_id} #{pane_start_command}",
    );
    for (const line of panes.split("\n").filter((line) => line.includes(`${spool}/`))) {
      await quietly("tmux", "-L", this.socket, "kill-pane", "-t", line.split(" ", 1)[0]);
    }
  }

  /** Sends a signal to its tmux server; returns the number of its process, 0 when there is none. */
  async signalTmux(signal: Deno.Signal): Promise<number> {
    const pid = Number(await quietly("tmux", "-L", this.socket, "display-message", "-p", "#{pid}"));
    if (!(pid > 1)) return 0;
    Deno.kill(pid, signal);
    return pid;
  }

  /** Lets a frozen server go on. */
  thaw(pid: number): void {
    try {
      Deno.kill(pid, "SIGCONT");
    } catch {
      this.unexpected.push(`the tmux server of host ${this.letter} ended while it was frozen`);
    }
  }

  async killTmux(): Promise<void> {
    await quietly("tmux", "-L", this.socket, "kill-server");
  }
}

/** Runs a program of which nothing is expected; returns what it printed. */
export async function quietly(command: string, ...args: string[]): Promise<string> {
  const signal = AbortSignal.timeout(20_000);
  const { stdout } = await new Deno.Command(command, { args, stdin: "null", stderr: "null", signal }).output();
  return new TextDecoder().decode(stdout);
}

function tail(log: string): string {
  return log.split("\n").slice(-6).join(" | ");
}
