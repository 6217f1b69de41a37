/**
 * The chaos driver: jobs on three hosts, and faults drawn from a seed until they are used up; then an audit.
 *
 * ```sh
 * deno task chaos                          # 10,000 jobs and 1,000 faults, five seeds
 * deno task chaos --seed 7 --jobs 500 --faults 50 --tmux
 * ```
 *
 * A schedule is not repeated to the millisecond by its seed, because processes take their own time, but its faults are.
 *
 * @module
 */
import { audit } from "../support/audit.ts";
import { ExecutionLog } from "../support/execution_log.ts";
import { pause } from "../support/gate.ts";
import { Proxy } from "../support/proxy.ts";
import { type RunnerProcess, World } from "../support/world.ts";

/** What to do. */
export interface ChaosOptions {
  readonly seed: number;
  readonly jobs: number;
  readonly faults: number;
  /** Also kill tmux servers: then jobs may end as lost, but nothing else may happen to them. */
  readonly tmux?: boolean;
  /**
   * Redis writes to its disk once a second. When that is slow, its death then takes the last jobs with it although it had
   * acknowledged them: they count as never queued.
   */
  readonly everysec?: boolean;
  /** A runner that is no good, in place of ours. */
  readonly naive?: "lossy" | "greedy";
}

/** What came of it. */
export interface ChaosReport {
  readonly seconds: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly executed: number;
  readonly violations: readonly string[];
  /** What Redis recorded about the jobs of the violations, an event a line. */
  readonly stories: readonly string[];
}

/** Milliseconds between two faults, on the average. Faults last longer than that, so they overlap. */
const EVERY = 150;
const LEASE = 1500;
const RUNNER_ARGS = ["--beat", "300ms", "--lease", `${LEASE}ms`, "--concurrency", "6", "--kill-grace", "500ms"];

const NAIVE = [Deno.execPath(), "run", "-A", new URL("naive_runner.ts", import.meta.url).pathname];

/** Numbers in [0, 1) from a seed: mulberry32. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** A host: its runner, which comes back by itself, and its way to Redis. */
class Host {
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

/** A fault: how often it is drawn, what it works on (one fault at a time), and what it does. */
interface Fault {
  readonly name: string;
  readonly weight: number;
  readonly on: readonly ("process" | "link" | "redis" | "tmux")[];
  readonly work: (host: Host, random: () => number) => Promise<void>;
}

const FAULTS: readonly Fault[] = [
  {
    name: "kill",
    weight: 30,
    on: ["process"],
    work: async (host, random) => {
      await host.down("SIGKILL");
      await pause(random() < 0.5 ? 0 : random() * 2 * LEASE);
      await host.up();
    },
  },
  {
    name: "terminate",
    weight: 8,
    on: ["process"],
    work: async (host, random) => {
      await host.down("SIGTERM");
      await pause(random() * 300);
      await host.up();
    },
  },
  {
    name: "freeze_short",
    weight: 10,
    on: ["process"],
    work: (host, random) => freeze(host, 50 + random() * LEASE / 2),
  },
  { name: "freeze_long", weight: 8, on: ["process"], work: (host, random) => freeze(host, LEASE * (1.2 + random())) },
  { name: "cut", weight: 20, on: ["link"], work: (host) => Promise.resolve(host.proxy.cut()) },
  {
    name: "refuse",
    weight: 8,
    on: ["link"],
    work: async (host, random) => {
      await host.proxy.refuse();
      await pause(random() * 1500);
      host.proxy.pass();
    },
  },
  { name: "stall_short", weight: 10, on: ["link"], work: (host, random) => stall(host, random() * 1000) },
  { name: "stall_long", weight: 5, on: ["link"], work: (host, random) => stall(host, 2000 + random() * 2000) },
  {
    name: "stall_and_kill",
    weight: 5,
    on: ["link", "process"],
    work: async (host, random) => {
      host.proxy.stall();
      await pause(random() * 500);
      await host.down("SIGKILL");
      host.proxy.pass();
      await host.up();
    },
  },
  {
    name: "redis_kill",
    weight: 8,
    on: ["redis"],
    work: async ({ world }, random) => {
      await world.redis.kill9();
      await pause(random() * 800);
      await world.redis.restart();
    },
  },
  {
    name: "redis_freeze",
    weight: 5,
    on: ["redis"],
    work: async ({ world }, random) => {
      world.redis.freeze();
      await pause(random() * 2500);
      world.redis.thaw();
    },
  },
];

const TMUX_FAULT: Fault = { name: "tmux_kill", weight: 5, on: ["tmux"], work: (host) => host.killTmux() };

/** Draws faults one after the other; each waits until what it works on is free of others. */
class Schedule {
  readonly #hosts: readonly Host[];
  readonly #random: () => number;
  readonly #faults: readonly Fault[];
  readonly #busy = new Map<string, Promise<void>>();
  readonly counts: Record<string, number> = {};
  done = 0;

  constructor(hosts: readonly Host[], random: () => number, faults: readonly Fault[]) {
    this.#hosts = hosts;
    this.#random = random;
    this.#faults = faults;
  }

  /** Begins one fault, and waits a while. */
  async next(): Promise<void> {
    const random = this.#random;
    const host = this.#hosts[Math.floor(random() * this.#hosts.length)];
    let at = random() * this.#faults.reduce((sum, { weight }) => sum + weight, 0);
    const fault = this.#faults.find(({ weight }) => (at -= weight) < 0)!;
    const places = fault.on.map((place) => place === "redis" ? place : `${place} of ${host.letter}`);
    await Promise.all(places.map((place) => this.#busy.get(place)));
    const work = fault.work(host, random);
    for (const place of places) this.#busy.set(place, work);
    this.counts[fault.name] = (this.counts[fault.name] ?? 0) + 1;
    this.done++;
    await pause(EVERY * 2 * random());
  }

  /** Resolves when every fault is over. */
  async over(): Promise<void> {
    await Promise.all(this.#busy.values());
  }
}

async function freeze(host: Host, ms: number): Promise<void> {
  const runner = host.runner!;
  runner.signal("SIGSTOP");
  await pause(ms);
  runner.signal("SIGCONT");
}

async function stall(host: Host, ms: number): Promise<void> {
  host.proxy.stall();
  await pause(ms);
  host.proxy.pass();
}

/** One job of the load, and how it has to end. */
interface Job {
  readonly payload: string;
  readonly timeout?: string;
  readonly result: string;
  readonly error: string;
}

/** Draws jobs, pushes them, and remembers what Redis has acknowledged. */
class Load {
  readonly jobs = new Map<string, Job>();
  /** Jobs whose push was not acknowledged: they may be there or not. */
  readonly unsure = new Set<string>();
  /** Ended jobs as they were when they were first seen so. */
  readonly ended = new Map<string, string>();
  readonly #world: World;
  readonly #log: ExecutionLog;
  readonly #random: () => number;
  #open = new Set<string>();

  constructor(world: World, log: ExecutionLog, random: () => number) {
    this.#world = world;
    this.#log = log;
    this.#random = random;
  }

  #draw(id: string): Job {
    const random = this.#random;
    const code = random() < 0.3 ? Math.floor(random() * 125) : 0;
    if (random() < 0.02) {
      return { payload: `${this.#log.line}; sleep 60`, timeout: "0.5", result: "", error: "timed out after 500ms" };
    }
    const ms = random() < 0.7 ? random() * 0.1 : random() * 2;
    return {
      payload: `${this.#log.line}; sleep ${ms.toFixed(3)}; echo out ${id}; exit ${code}`,
      result: `out ${id}\n`,
      error: code === 0 ? "" : `exited with code ${code}`,
    };
  }

  async push(): Promise<void> {
    const id = `j${this.jobs.size}`;
    const job = this.#draw(id);
    this.jobs.set(id, job);
    try {
      const { payload, timeout } = job;
      // some are queued twice, as a client does that repeats itself
      await this.#world.push({ payload, ...(timeout ? { timeout } : {}) }, id);
      this.#open.add(id);
      if (this.#random() < 0.03) await this.#world.redis.call("LPUSH", `runner:${this.#world.name}`, id);
    } catch {
      if (!this.#open.has(id)) this.unsure.add(id);
      await pause(100);
    }
  }

  /** Looks for jobs that have ended since the last look. */
  async look(): Promise<void> {
    for (const id of this.#open) {
      const job = await this.#world.job(id).catch(() => null);
      if (job?.status !== "finished" && job?.status !== "error") continue;
      this.ended.set(id, JSON.stringify(Object.entries(job).sort()));
      this.#open.delete(id);
    }
  }

  get open(): number {
    return this.#open.size;
  }

  /** Jobs that peers gave up: they wait for a silent host no longer than until the deadline of the job, begun or not. */
  async givenUp(): Promise<Set<string>> {
    const found = new Set<string>();
    for (const [id, { timeout }] of this.jobs) {
      if (timeout && (await this.#world.job(id)).error?.startsWith("lost:")) found.add(id);
    }
    return found;
  }

  /** Jobs that ended in another way than they had to, or changed afterwards. */
  async findings(mayBeLost: boolean, givenUp: ReadonlySet<string>): Promise<string[]> {
    const findings: string[] = [];
    for (const [id, before] of this.ended) {
      const now = await this.#world.job(id);
      if (JSON.stringify(Object.entries(now).sort()) !== before) {
        findings.push(`changed after its end: job ${id} was ${before}, is ${JSON.stringify(now)}`);
      }
      const { result, error } = this.jobs.get(id)!;
      if (givenUp.has(id) || mayBeLost && now.error?.startsWith("lost:")) continue;
      if (now.result !== result || now.error !== error) {
        findings.push(
          `wrong end: job ${id} says ${JSON.stringify([now.result, now.error])}, expected ${
            JSON.stringify([result, error])
          }`,
        );
      }
    }
    return findings;
  }

  /** Takes away what a push left that was cut off in its middle. */
  async clear(): Promise<void> {
    for (const id of this.unsure) {
      const job = await this.#world.job(id);
      const queued = await this.#world.redis.call("LPOS", `runner:${this.#world.name}`, id);
      if (job.status === undefined && queued === null) await this.#world.redis.call("DEL", `job_${id}`);
      else this.#open.add(id);
    }
  }
}

/** Runs jobs under faults; answers what was wrong in the end. */
export async function chaos(options: ChaosOptions): Promise<ChaosReport> {
  const { seed, jobs, faults, tmux = false, everysec = false, naive } = options;
  const begun = performance.now();
  await using world = await World.create({ persistence: everysec ? "aof-everysec" : "aof-always" });
  const log = new ExecutionLog(world.dir);
  const hosts = ["a", "b", "c"].map((letter) => new Host(world, letter, naive));
  await Promise.all(hosts.map((host) => host.up()));
  const load = new Load(world, log, random(seed + 1));
  const schedule = new Schedule(hosts, random(seed), tmux ? [...FAULTS, TMUX_FAULT] : FAULTS);
  let over = false;
  const looking = (async () => {
    while (!over) {
      await load.look();
      await pause(300);
    }
  })();
  const pushing = (async () => {
    while (load.jobs.size < jobs) {
      // in step with the faults
      const due = schedule.done >= faults || load.jobs.size / jobs <= schedule.done / faults + 0.02;
      await (due ? load.push() : pause(20));
    }
  })();
  while (schedule.done < faults) await schedule.next();
  await Promise.all([schedule.over(), pushing]);

  await load.clear();
  const limit = performance.now() + (naive ? 2_000 : 60_000);
  while (load.open > 0 && performance.now() < limit) await pause(100);
  over = true;
  await looking;
  const unsure = new Set([...load.unsure]);
  const ids = [...load.jobs.keys()];
  const queued = [];
  for (const id of ids) {
    if (!everysec && !unsure.has(id) || await world.redis.call("EXISTS", `job_${id}`) === 1) queued.push(id);
  }
  const known = new Set(queued);
  const givenUp = await load.givenUp();
  const mayNotRun = (id: string) => tmux || unsure.has(id) || givenUp.has(id) || !known.has(id);
  const findings = [
    ...await audit(world, {
      ids: queued,
      log,
      executions: (id) => [mayNotRun(id) ? 0 : 1, 1],
      instances: hosts.map(({ letter }) => world.instance(`${world.dir}/${letter}`)),
      ms: 1000,
    }),
    ...await load.findings(tmux, givenUp),
    ...hosts.flatMap((host) => host.unexpected),
  ];
  const stories = await storiesOf(world, findings);
  for (const host of hosts) {
    await host.down("SIGKILL");
    await host.killTmux();
    await host.proxy[Symbol.asyncDispose]();
  }
  const executed = (await log.executions()).size;
  return {
    seconds: (performance.now() - begun) / 1000,
    faults: schedule.counts,
    executed,
    violations: findings,
    stories,
  };
}

/** The events of every job that a finding names. */
async function storiesOf(world: World, findings: readonly string[]): Promise<string[]> {
  const ids = new Set(findings.flatMap((finding) => /\bjob (j[0-9]+)/.exec(finding)?.[1] ?? []));
  if (ids.size === 0) return [];
  const entries = await world.redis.call("XRANGE", "rr:events", "-", "+") as [string, string[]][];
  return entries.map(([at, fields]) => [at, ...fields].join(" ")).filter((line) =>
    [...ids].some((id) => line.includes(` id ${id} `))
  );
}

/** Value of a flag of the command line. */
function flag(name: string): string | undefined {
  const at = Deno.args.indexOf(`--${name}`);
  return at < 0 ? undefined : Deno.args[at + 1] ?? "";
}

if (import.meta.main) {
  const seeds = flag("seed")
    ? [Number(flag("seed"))]
    : Array.from({ length: Number(flag("seeds") ?? 5) }, () => crypto.getRandomValues(new Uint16Array(1))[0]);
  const everysec = Deno.args.includes("--everysec");
  const naive = flag("naive") as "lossy" | "greedy" | undefined;
  const tmux = Deno.args.includes("--tmux");
  let bad = false;
  for (const seed of seeds) {
    const jobs = Number(flag("jobs") ?? 10_000);
    const faults = Number(flag("faults") ?? 1_000);
    console.log(
      `seed ${seed}: ${jobs} jobs, ${faults} faults${tmux ? ", tmux servers too" : ""}${
        naive ? `, ${naive} runner` : ""
      }`,
    );
    const report = await chaos({ seed, jobs, faults, tmux, everysec, naive });
    const drawn = Object.entries(report.faults).map(([name, count]) => `${name} ${count}`).join(", ");
    console.log(`seed ${seed}: ${report.executed} jobs executed in ${report.seconds.toFixed(0)} s; ${drawn}`);
    console.log(`seed ${seed}: ${report.violations.length} violations`);
    for (const finding of report.violations.slice(0, 30)) console.log(`  ${finding}`);
    for (const line of report.stories.slice(0, 100)) console.log(`    ${line}`);
    bad ||= report.violations.length > 0;
  }
  Deno.exit(bad ? 1 : 0);
}
