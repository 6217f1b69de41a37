/**
 * The final audit of a fixture: nothing lost, nothing executed twice, nothing changed after its end, nothing left
 * behind; no job starts before the end of those for which it waits, and none waits for ever.
 *
 * @module
 */
import { viewJob } from "../../src/client/job_view.ts";
import { placeInBatch, readCounts } from "../../src/domain/batch.ts";
import { dependenciesOf, type Dependency } from "../../src/domain/job_meta.ts";
import { Keys } from "../../src/redis/keys.ts";
import type { ExecutionLog } from "./execution_log.ts";
import type { RedisServer } from "./redis_server.ts";
import { until } from "./until.ts";
import type { RunnerFixture } from "./runner_fixture.ts";

/** What was to happen. */
export interface Expected {
  /** Every job that was put into the queue. */
  readonly ids: readonly string[];
  readonly log?: ExecutionLog;
  /** Executions that a job may have had: `[least, most]`; one exactly when left out. */
  readonly executions?: (id: string) => readonly [number, number];
  /** Redis lost data on purpose: then what was ended may be reported once more. */
  readonly dataWasLost?: boolean;
  /** Folders of the runners' instances; that of the fixture's own runner when left out. */
  readonly instances?: readonly string[];
  /** Milliseconds until everything has to be at rest. */
  readonly ms?: number;
}

/** Finds everything that is wrong; waits first until the jobs have ended. Each finding is a sentence. */
export async function audit(fixture: RunnerFixture, expected: Expected): Promise<string[]> {
  const { ids, log, ms = 30_000 } = expected;
  const states = await atRest(fixture, ids, ms);
  const findings = ids.filter((id) => !isTerminal(states.get(id))).map((id) =>
    `lost: job ${id} is ${states.get(id) ?? "not there"}`
  );
  if (log) findings.push(...await countExecutions(ids, log, expected.executions ?? (() => [1, 1])));
  if (!expected.dataWasLost) {
    findings.push(...await changesAfterTheEnd(fixture.redis), ...await earlyStarts(fixture.redis));
  }
  findings.push(...await waitsForEver(fixture.redis));
  findings.push(...await miscounted(fixture.redis));
  findings.push(...await keysLeft(fixture.redis));
  findings.push(...await processesLeft(fixture));
  for (const dir of expected.instances ?? [`${fixture.dir}/spool/${fixture.name}`]) {
    findings.push(...await filesLeft(dir));
  }
  return findings;
}

/**
 * Throws when the audit finds anything.
 *
 * @param about What to say besides, such as the seed.
 */
export async function assertClean(fixture: RunnerFixture, expected: Expected, about = ""): Promise<void> {
  const findings = await audit(fixture, expected);
  if (findings.length === 0) return;
  const shown = findings.slice(0, 20).join("\n");
  throw new Error(`${findings.length} violations${about && `, ${about}`}:\n${shown}`);
}

/** The states of jobs when all of them have ended, or when the time is over. */
async function atRest(fixture: RunnerFixture, ids: readonly string[], ms: number): Promise<Map<string, string>> {
  const states = new Map<string, string>();
  const haveEnded = async () => {
    for (const id of ids) {
      if (isTerminal(states.get(id))) continue;
      const state = await fixture.redis.call("HGET", `job_${id}`, "status");
      if (typeof state === "string") states.set(id, state);
    }
    return ids.every((id) => isTerminal(states.get(id)));
  };
  await until("all jobs have ended", haveEnded, ms).catch(() => {});
  return states;
}

function isTerminal(state: string | undefined): boolean {
  return state === "finished" || state === "error";
}

/** Executions that are too many or too few. */
export async function countExecutions(
  ids: readonly string[],
  log: ExecutionLog,
  bounds: (id: string) => readonly [least: number, most: number, sameAgain?: boolean],
): Promise<string[]> {
  const executions = await log.executions();
  const findings: string[] = [];
  for (const id of ids) {
    const attempts = executions.get(id) ?? [];
    const [least, most, sameAgain = false] = bounds(id);
    if (attempts.length < least) findings.push(`not executed: job ${id}, ${attempts.length} times`);
    if (attempts.length > most) findings.push(`executed too often: job ${id}, attempts ${attempts.join(", ")}`);
    if (!sameAgain && new Set(attempts).size < attempts.length) {
      findings.push(`attempt executed twice: job ${id}, ${attempts}`);
    }
  }
  const known = new Set(ids);
  for (const id of executions.keys()) if (!known.has(id)) findings.push(`executed and never queued: ${id}`);
  return findings;
}

/** Events of a job after the event of its end that say it is something else now. */
async function changesAfterTheEnd(redis: RedisServer): Promise<string[]> {
  const entries = await redis.call("XRANGE", "rr:events", "-", "+") as [string, string[]][];
  const ended = new Map<string, string>();
  const findings: string[] = [];
  for (const [, fields] of entries) {
    const event = Object.fromEntries(fields.flatMap((name, i) => i % 2 ? [] : [[name, fields[i + 1]]]));
    const before = ended.get(event.id);
    // an id that was queued twice may be claimed, given back and dropped after the end of its job: the end that is
    // reported stays
    const harmless = ["late", undefined].includes(event.s) || ["release", "reap"].includes(event.e);
    if (before && !harmless) {
      findings.push(`changed after its end: job ${event.id} was ${before}, then ${event.e} ${event.s}`);
    }
    if (event.s === "finished" || event.s === "error") ended.set(event.id, event.s);
  }
  return findings;
}

/** An event of a job, as its fields in the stream. */
export type EventFields = Readonly<Record<string, string>>;

/**
 * Starts of jobs before the end of those for which they wait was to be seen.
 *
 * @param events All events, oldest first.
 * @param parentsOf The jobs for which a job waits.
 */
export function startedTooEarly(
  events: readonly EventFields[],
  parentsOf: (id: string) => readonly Pick<Dependency, "id" | "condition">[],
): string[] {
  const ends = new Map<string, Set<string>>();
  const findings: string[] = [];
  for (const { e, id, s } of events) {
    if (s === "finished" || s === "error") ends.set(id, (ends.get(id) ?? new Set()).add(s));
    if (e !== "start" || s !== "started") continue;
    for (const parent of parentsOf(id)) {
      const seen = ends.get(parent.id);
      if (!(seen?.has("finished") || parent.condition === "ended" && seen?.has("error"))) {
        findings.push(`a child that started before its parent's end: job ${id} before ${parent.id}`);
      }
    }
  }
  return findings;
}

async function earlyStarts(redis: RedisServer): Promise<string[]> {
  const entries = await redis.call("XRANGE", "rr:events", "-", "+") as [string, string[]][];
  const events = entries.map(([, fields]) =>
    Object.fromEntries(fields.flatMap((name, i) => i % 2 ? [] : [[name, fields[i + 1]]]))
  );
  const parents = new Map<string, Dependency[]>();
  for (const id of new Set(events.map(({ id }) => id))) {
    parents.set(id, dependenciesOf(await redis.hash(`rr:meta:${id}`)));
  }
  return startedTooEarly(events, (id) => parents.get(id) ?? []);
}

/** Jobs that wait although none of those for which they wait can still end: those have ended, or are gone. */
async function waitsForEver(redis: RedisServer): Promise<string[]> {
  const find = async () => {
    const found: string[] = [];
    for (const key of (await redis.keys()).filter((key) => key.startsWith("rr:meta:"))) {
      const id = key.slice("rr:meta:".length);
      const open = dependenciesOf(await redis.hash(key)).filter(({ met }) => !met);
      if (open.length === 0 || await redis.call("HGET", `job_${id}`, "status") !== "dispatched") continue;
      const states = await Promise.all(open.map((one) => redis.call("HGET", `job_${one.id}`, "status")));
      const live = states.some((state) => state === "dispatched" || state === "started");
      if (!live) found.push(`a child that waits for ever: job ${id} for ${open.map((one) => one.id)}`);
    }
    return found;
  };
  await until("no job waits for ended ones", async () => (await find()).length === 0, 5_000).catch(() => {});
  return await find();
}

/** Batches whose counts are not those of their members, or that have ended and would stay for ever. */
export async function miscounted(redis: RedisServer): Promise<string[]> {
  const findings: string[] = [];
  const keys = await redis.keys();
  for (const key of keys.filter((key) => key.startsWith("rr:batch:"))) {
    const id = key.slice("rr:batch:".length);
    const record = await redis.hash(key);
    const members = keys.filter((one) => placeInBatch(one)?.batch === `job_${id}`);
    const found = { queued: 0, running: 0, ok: 0, failed: 0, timedOut: 0, cancelled: 0, lost: 0, skipped: 0 };
    for (const member of members) {
      const memberId = member.slice("job_".length);
      const [fields, meta] = [await redis.hash(member), await redis.hash(`rr:meta:${memberId}`)];
      const { outcome, status } = viewJob({ id: memberId, fields, meta });
      const name: keyof typeof found = outcome === null ? status === "started" ? "running" : "queued" : NAMES[outcome];
      found[name]++;
    }
    const { counts } = readCounts(record);
    for (const name of Object.keys(found) as (keyof typeof found)[]) {
      if (counts[name] === found[name]) continue;
      findings.push(`miscounted: batch ${id} has ${found[name]} ${name} members and counts ${counts[name]}`);
    }
    const isOver = record.closed === "1" && counts.queued + counts.running === 0;
    if (isOver && Number(await redis.call("PTTL", key)) < 0) findings.push(`stays in Redis for ever: ${key}`);
  }
  return findings;
}

/** Names of counts by outcome. */
const NAMES = {
  ok: "ok",
  failed: "failed",
  "timed-out": "timedOut",
  cancelled: "cancelled",
  lost: "lost",
  skipped: "skipped",
} as const;

/** Every key of the model as an expression; new ones are found by themselves. */
function model(): RegExp[] {
  const keys = new Keys("") as unknown as Record<string, (...args: string[]) => string>;
  return Object.getOwnPropertyNames(Keys.prototype).filter((name) =>
    !["constructor", "channel", "patterns"].includes(name)
  ).map((name) => {
    const text = keys[name]("\u0001", "\u0001").replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    return new RegExp(`^${text.replaceAll("\u0001", "[^]*")}$`);
  });
}

/** Keys that are none of ours, and such of ours that should be gone; jobs that would stay for ever. */
async function keysLeft(redis: RedisServer): Promise<string[]> {
  const known = model();
  const findings: string[] = [];
  const transient = /^(rr:(claim|attempts|held|delay|parked|parking|permits|low|after):|rr:unsettled$|runner:)/;
  const left = async () => (await redis.keys()).filter((key) => transient.test(key));
  await until("claims, runs and queues are empty", async () => (await left()).length === 0, 5_000).catch(() => {});
  for (const key of await redis.keys()) {
    if (!known.some((pattern) => pattern.test(key))) findings.push(`no key of ours: ${key}`);
    if (transient.test(key)) findings.push(`left in Redis: ${key}`);
    if (/^(job_|rr:meta:|rr:out:)/.test(key) && Number(await redis.call("PTTL", key)) < 0) {
      findings.push(`stays in Redis for ever: ${key}`);
    }
  }
  return findings;
}

/** Processes of jobs: what runs in a terminal of this fixture and was started by a job. */
export async function jobProcesses(fixture: { readonly socket: string }): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^[0-9]+$/.test(name)) continue;
    const read = (file: string) => Deno.readTextFile(`/proc/${name}/${file}`).catch(() => "");
    const variables = (await read("environ")).split("\0");
    const here = variables.some((text) => text.startsWith("TMUX=") && text.includes(`/${fixture.socket}`));
    if (here && variables.some((text) => text.startsWith("RUNNER_RUN="))) {
      found.push(`${name} ${(await read("cmdline")).replaceAll("\0", " ")}`);
    }
  }
  return found;
}

async function processesLeft(fixture: RunnerFixture): Promise<string[]> {
  await until("no process of a job lives", async () => (await jobProcesses(fixture)).length === 0, 3_000).catch(
    () => {},
  );
  return (await jobProcesses(fixture)).map((process) => `process left: ${process}`);
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
  } catch {
    return []; // no runner of this instance ever came so far
  }
}

/** Files that stand for a run which has not ended, and scripts of runs that have: they may hold secrets. */
async function filesLeft(instance: string): Promise<string[]> {
  const files = async () => {
    const files = (await namesIn(`${instance}/jobs`)).map((name) => `${instance}/jobs/${name}`);
    for (const lane of await namesIn(`${instance}/lanes`)) {
      const script = `${instance}/lanes/${lane}/run`;
      if ((await Deno.readTextFile(script).catch(() => "")).trim() !== "") files.push(script);
    }
    return files;
  };
  await until("no file of a run is left", async () => (await files()).length === 0, 3_000).catch(() => {});
  return (await files()).map((file) => `file left: ${file}`);
}
