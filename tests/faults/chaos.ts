/**
 * The chaos driver: jobs on three hosts, and faults drawn from a seed until they are used up; then an audit.
 *
 * ```sh
 * deno task chaos                          # 10,000 jobs and 1,000 faults, five seeds
 * deno task chaos --seed 7 --jobs 500 --faults 50 --tmux
 * deno task chaos --only disk_full,rollback --seed 7 --jobs 500 --faults 50
 * ```
 *
 * A schedule is not repeated to the millisecond by its seed, because processes have their own pace, but its faults are.
 *
 * @module
 */
import { audit, countExecutions } from "../support/audit.ts";
import { canMount } from "../support/small_disk.ts";
import { ExecutionLog } from "../support/execution_log.ts";
import { pause } from "../support/barrier.ts";
import { leftAtRest, leftAtTheEnd, mountsLeft } from "../support/leftovers.ts";
import { random } from "../support/random.ts";
import { RunnerFixture } from "../support/runner_fixture.ts";
import { BASIC, DATA, LOCAL, PEOPLE, TMUX } from "./chaos_faults.ts";
import { Host } from "./chaos_host.ts";
import { Load } from "./chaos_load.ts";
import { People } from "./chaos_people.ts";
import { Recurring } from "./chaos_recurring.ts";
import { Rules } from "./chaos_rules.ts";
import { type Fault, Schedule } from "./chaos_schedule.ts";
import { Timeline } from "./chaos_timeline.ts";

/** What to do. */
export interface ChaosOptions {
  readonly seed: number;
  readonly jobs: number;
  readonly faults: number;
  /** Names of the faults to draw from; all of them, besides those of `tmux`, when left out. */
  readonly only?: readonly string[];
  /** Also end tmux servers: then jobs that ran there may end as lost, but nothing else may happen to them. */
  readonly tmux?: boolean;
  /**
   * Redis writes to its disk once a second. When that is slow, its death then loses the last jobs although it
   * had acknowledged them: they count as never queued.
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
  /** Events and faults of the jobs of the violations, one a line. */
  readonly stories: readonly string[];
}

/** Runs jobs under faults; returns what was wrong in the end. */
export async function chaos(options: ChaosOptions): Promise<ChaosReport> {
  const begun = performance.now();
  await using fixture = await RunnerFixture.create({ persistence: options.everysec ? "aof-everysec" : "aof-always" });
  const run = new Run(fixture, options);
  await run.begin();
  try {
    await run.faults();
    await run.rest();
    const findings = await run.findings();
    const stories = run.stories(findings);
    findings.push(...await run.end());
    const { size: executed } = await run.log.executions();
    const seconds = (performance.now() - begun) / 1000;
    return { seconds, faults: run.counts, executed, violations: findings, stories };
  } finally {
    await run.end();
  }
}

/** The faults to draw from. */
function mix({ only, tmux, naive }: ChaosOptions): { faults: Fault[]; people: boolean } {
  const all = [...BASIC, ...LOCAL, ...DATA, ...TMUX];
  const unknown = only?.find((name) => name !== PEOPLE && !all.some((fault) => fault.name === name));
  if (unknown) {
    const names = [...all.map(({ name }) => name), PEOPLE].join(", ");
    throw new Error(`There is no fault ${unknown}; there are ${names}`);
  }
  if (naive) return { faults: [...BASIC], people: false };
  const faults = only
    ? all.filter(({ name }) => only.includes(name))
    : [...BASIC, ...LOCAL, ...DATA, ...tmux ? TMUX : []];
  const possible = faults.filter(({ name }) => name !== "disk_full" || canMount);
  if (possible.length < faults.length) console.error("no disk is filled: none may be mounted here");
  return { faults: possible, people: only?.includes(PEOPLE) ?? true };
}

/** One run of the driver. */
class Run {
  readonly log: ExecutionLog;
  readonly #fixture: RunnerFixture;
  readonly #options: ChaosOptions;
  readonly #timeline = new Timeline();
  readonly #hosts: readonly Host[];
  readonly #load: Load;
  /** `null` with a runner that is no good: it has none. */
  readonly #recurring: Recurring | null;
  #schedule!: Schedule;
  /** Number of faults; none where people alone are asked for. */
  #total = 0;
  /** What is wrong with schedules. */
  #unfired: readonly string[] = [];
  #people: readonly People[] = [];
  #visits = 0;
  #ended = false;

  constructor(fixture: RunnerFixture, options: ChaosOptions) {
    this.#fixture = fixture;
    this.#options = options;
    this.log = new ExecutionLog(fixture.dir);
    this.#hosts = ["a", "b", "c"].map((letter) => new Host(fixture, letter, this.#timeline, options.naive));
    this.#load = new Load(fixture, this.log, { random: random(options.seed + 1), graph: !options.naive });
    this.#recurring = options.naive ? null : new Recurring(fixture, this.#timeline, this.#load);
  }

  async begin(): Promise<void> {
    const { seed, faults: total } = this.#options;
    const { faults, people } = mix(this.#options);
    if (faults.some(({ name }) => name === "disk_full")) {
      for (const host of this.#hosts) await host.mountDisk();
    }
    await Promise.all(this.#hosts.map((host) => host.up()));
    await this.#recurring?.add(this.log.line, this.#hosts.map(({ instance }) => instance));
    await this.#load.setLimits();
    this.#total = faults.length > 0 ? total : 0;
    this.#schedule = new Schedule(this.#hosts, random(seed), faults, total);
    const chance = random(seed + 2);
    if (people) this.#people = this.#hosts.map((host, i) => new People(host, 1 + i, chance));
  }

  /** Draws the faults, and pushes jobs in step with them. */
  async faults(): Promise<void> {
    const [load, schedule] = [this.#load, this.#schedule];
    const { jobs } = this.#options;
    const faults = this.#total;
    const pushing = (async () => {
      while (load.count < jobs) {
        const due = schedule.done >= faults || load.count / jobs <= schedule.done / faults + 0.02;
        await (due ? load.push() : pause(20));
      }
    })();
    const checking = this.#checkUntil(async () => {
      while (schedule.done < faults) await schedule.next();
      await Promise.all([schedule.over(), pushing]);
    });
    await checking;
  }

  /** Checks the jobs while some work goes on. */
  async #checkUntil(work: () => Promise<void>): Promise<void> {
    let over = false;
    const done = work().finally(() => over = true);
    while (!over) {
      await this.#check();
      await pause(200);
    }
    await done;
  }

  async #check(): Promise<void> {
    await this.#load.readEnds();
    await this.#timeline.read(this.#fixture.redis).catch(() => {}); // Redis is away
    this.#recurring?.adopt();
  }

  async #rules(): Promise<Rules> {
    const ran = await this.log.executions();
    const { everysec = false } = this.#options;
    return new Rules({ timeline: this.#timeline, load: this.#load, everysec, ran });
  }

  /** Waits until every job has ended that is there. */
  async rest(): Promise<void> {
    const limit = performance.now() + (this.#options.naive ? 2_000 : 60_000);
    const load = this.#load;
    this.#unfired = await this.#recurring?.end() ?? [];
    this.#recurring?.adopt((await this.log.executions()).keys());
    const rules = await this.#rules();
    await load.clear((id) => rules.mayBeGone(id));
    for (;;) {
      await this.#check();
      const now = await this.#rules();
      const isOpen = async (id: string) => !now.mayBeGone(id) || Object.keys(await this.#fixture.job(id)).length > 0;
      const open = await Promise.all([...load.open].map(isOpen));
      if (!open.includes(true) || performance.now() > limit) break;
      await load.passMinute();
      await pause(200);
    }
    await Promise.all(this.#people.map((each) => each.leave()));
    this.#visits = this.#people.reduce((sum, { visits }) => sum + visits, 0);
    this.#people = [];
  }

  async findings(): Promise<string[]> {
    const [fixture, load] = [this.#fixture, this.#load];
    const rules = await this.#rules();
    const findings: string[] = [];
    const [there, unrun] = [[] as string[], new Set<string>()];
    const jobs = new Map<string, Record<string, string>>();
    for (const id of load.jobs.keys()) jobs.set(id, await fixture.job(id));
    for (const id of load.jobs.keys()) {
      const now = jobs.get(id)!;
      const gone = Object.keys(now).length === 0 && rules.mayBeGone(id);
      if (!gone) there.push(id);
      if (gone || rules.mayBeUnrun(id, now)) unrun.add(id);
      const before = load.ended.get(id);
      if (gone || !before) continue;
      const found = [rules.changed(id, before, now), rules.wrongEnd(id, now, (other) => jobs.get(other)?.status)];
      findings.push(...found.filter((finding) => finding !== null));
    }
    const bounds = (id: string) => {
      const forgotten = rules.forgottenStarts(id);
      return [unrun.has(id) ? 0 : 1, 1 + forgotten, forgotten > 0] as const;
    };
    return [
      ...await audit(fixture, {
        ids: there,
        dataWasLost: true, // the timeline has a record of what had ended, also where Redis has forgotten it
        instances: this.#hosts.map(({ instance }) => instance),
        ms: 1000,
      }),
      ...await countExecutions([...load.jobs.keys()], this.log, bounds),
      ...this.#timeline.early((id) => load.jobs.get(id)?.after ?? [], (id) => load.pushed.get(id)?.from ?? 0),
      ...this.#timeline.changes((id) => rules.forgottenStarts(id) > 0),
      ...(await load.permits.clashes()).flatMap((clash) => rules.wrongPermit(clash, (id) => jobs.get(id)?.error) ?? []),
      ...findings,
      ...this.#unfired,
      ...this.#hosts.flatMap((host) => host.unexpected),
      ...this.#options.naive ? [] : await leftAtRest(fixture.dir, this.#hosts.map(({ socket }) => socket)),
    ];
  }

  /** The stories of the jobs that findings name, and what the runners logged about them. */
  stories(findings: readonly string[]): string[] {
    const ids = new Set(findings.flatMap((finding) => /\bjob ([a-z]+(?:[0-9]+|@\S+?Z))/.exec(finding)?.[1] ?? []));
    return [...ids].slice(0, 40).flatMap((
      id,
    ) => [...this.#timeline.story(id), ...this.#hosts.flatMap((host) => host.said(id))]);
  }

  /** Ends all hosts; returns what they leave. */
  async end(): Promise<string[]> {
    if (this.#ended) return [];
    this.#ended = true;
    this.#load.close();
    this.#recurring?.close();
    const findings: string[] = [];
    await Promise.all(this.#people.map((each) => each.leave()));
    for (const host of this.#hosts) {
      await host.down("SIGKILL");
      await host.killTmux();
      await host.proxy[Symbol.asyncDispose]();
    }
    const left = await leftAtTheEnd(this.#fixture.dir, this.#fixture.socket);
    for (const { disk, letter } of this.#hosts) {
      if (disk && !await disk.unmount()) findings.push(`disk of host ${letter} could not be taken away`);
    }
    if (this.#options.naive) return [];
    return [...left, ...findings, ...await mountsLeft(this.#fixture.dir)];
  }

  get counts(): Record<string, number> {
    return { ...this.#schedule.counts, ...this.#visits > 0 ? { [PEOPLE]: this.#visits } : {} };
  }
}

/** Value of a flag of the command line. */
function flag(name: string): string | undefined {
  const at = Deno.args.indexOf(`--${name}`);
  return at < 0 ? undefined : Deno.args[at + 1] ?? "";
}

/** How often each kind of violation was found. */
function byKind(violations: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const text of violations) {
    const kind = text.split(/:| with | of host | within /, 1)[0];
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return [...counts].map(([kind, count]) => `${kind} ${count}`).join(", ");
}

if (import.meta.main) {
  const seeds = flag("seed")
    ? [Number(flag("seed"))]
    : Array.from({ length: Number(flag("seeds") ?? 5) }, () => crypto.getRandomValues(new Uint16Array(1))[0]);
  const how = {
    jobs: Number(flag("jobs") ?? 10_000),
    faults: Number(flag("faults") ?? 1_000),
    only: flag("only")?.split(","),
    tmux: Deno.args.includes("--tmux"),
    everysec: Deno.args.includes("--everysec"),
    naive: flag("naive") as "lossy" | "greedy" | undefined,
  };
  let bad = false;
  for (const seed of seeds) {
    const about = [how.only?.join(" "), how.tmux && "tmux servers too", how.naive && `${how.naive} runner`].filter((
      text,
    ) => text);
    console.log([`seed ${seed}: ${how.jobs} jobs, ${how.faults} faults`, ...about].join(", "));
    const report = await chaos({ seed, ...how });
    const drawn = Object.entries(report.faults).map(([name, count]) => `${name} ${count}`).join(", ");
    console.log(`seed ${seed}: ${report.executed} jobs executed in ${report.seconds.toFixed(0)} s; ${drawn}`);
    const { violations, stories } = report;
    console.log(`seed ${seed}: ${violations.length} violations${violations.length ? `: ${byKind(violations)}` : ""}`);
    for (const finding of violations.slice(0, 30)) console.log(`  ${finding}`);
    for (const line of stories.slice(0, 2000)) console.log(`    ${line}`);
    bad ||= violations.length > 0;
  }
  Deno.exit(bad ? 1 : 0);
}
