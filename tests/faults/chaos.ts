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
import { World } from "../support/world.ts";
import { FAULTS, Schedule, TMUX_FAULT } from "./chaos_faults.ts";
import { Host } from "./chaos_host.ts";
import { Load } from "./chaos_load.ts";

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
