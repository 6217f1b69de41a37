import { InvalidInputError } from "../domain/errors.ts";
import { formatDuration } from "../domain/duration.ts";
import { DEFAULT_KEEP } from "../domain/limits.ts";
import { checkScheduleName, type Overlap, OVERLAPS, type ScheduleDefinition } from "../domain/schedule.ts";
import type { Submission } from "../domain/submission.ts";
import type { Calendar } from "../ports/calendar.ts";
import type { ClientStore, StoredSchedule } from "../ports/schedules.ts";
import { checkSubmission } from "./check_submission.ts";
import { formatTime } from "./read_time.ts";

/** Longest duration of an option, seconds. */
const MAX_SECONDS = 366 * 86_400;
/** Longest time that the record of a removed schedule stays, milliseconds; what is longer is for ever. */
const LONGEST_KEEP = 3_650 * 86_400_000;

/** A schedule to be added; durations are in seconds. */
export interface ScheduleDraft {
  readonly name: string;
  readonly cron: string;
  readonly tz: string;
  readonly overlap: Overlap;
  readonly catchUp: number;
  readonly jitter: number;
  readonly submission: Submission;
}

/** A schedule, and what became of its firings. */
export interface ScheduleView {
  readonly schedule: StoredSchedule;
  /** Status of the job of the last firing; `null` when there is none, or Redis no longer has it. */
  readonly outcome: { readonly status: string; readonly error: string } | null;
  /** Whether a live runner serves the queue of its jobs. */
  readonly isServed: boolean;
}

function refuse(name: string, reason: string): never {
  throw new InvalidInputError(`Cannot add schedule ${JSON.stringify(name)}: ${reason}`);
}

function checkDuration(name: string, what: string, seconds: number): void {
  if (seconds >= 0 && seconds <= MAX_SECONDS) return;
  refuse(name, `its ${what} must be between 0 and ${formatDuration(MAX_SECONDS)}`);
}

/**
 * Checks a schedule as far as that is possible before it is added.
 *
 * @throws {InvalidInputError} It is not valid; the message says what to change.
 */
export function checkSchedule(draft: ScheduleDraft, calendar: Calendar, checkExecutor: (target: string) => void): void {
  const { name, overlap, catchUp, jitter, submission } = draft;
  checkScheduleName(name);
  if (!OVERLAPS.includes(overlap)) refuse(name, `its overlap is one of ${OVERLAPS.join(", ")}`);
  checkDuration(name, "catch-up", catchUp);
  checkDuration(name, "jitter", jitter);
  for (const key of ["id", "after", "afterEnd", "notBeforeMs"] as const) {
    if (submission[key] !== undefined) refuse(name, `its job must not have ${key}: every firing sets its own`);
  }
  checkSubmission({ submission }, checkExecutor);
  calendar.next({ ...draft, sinceMs: 0 }, 0);
}

/**
 * Adds a schedule, or replaces the one of its name.
 *
 * @returns The time of its next firing, and whether it is paused, as the one that it replaces was.
 * @throws {InvalidInputError} It never fires.
 */
export async function addSchedule(
  store: ClientStore,
  draft: ScheduleDraft,
  calendar: Calendar,
): Promise<{ readonly nextMs: number; readonly paused: boolean }> {
  const { name, ...rest } = draft;
  const sinceMs = await store.time();
  const definition: ScheduleDefinition = { ...rest, sinceMs };
  const nextMs = calendar.next(definition, sinceMs);
  if (nextMs === null) refuse(name, `${JSON.stringify(draft.cron)} never fires from now on; write another time`);
  return { nextMs, paused: await store.schedules.scheduleAdd(name, definition, nextMs) };
}

/** Returns all schedules, by name. */
export async function listSchedules(store: ClientStore): Promise<readonly ScheduleView[]> {
  const [{ schedules }, instances] = await Promise.all([store.schedules.read(), store.instances()]);
  const served = new Set(instances.filter(({ alive }) => alive).map(({ runner }) => runner));
  const jobs = await store.summaries(schedules.map(({ job }) => job));
  return schedules.map((schedule, i) => {
    const { status = "dispatched", error = "" } = jobs[i]?.fields ?? {};
    const outcome = schedule.job === "" || !jobs[i] ? null : { status, error };
    return { schedule, outcome, isServed: served.has(schedule.submission.runner) };
  });
}

/**
 * Returns a schedule.
 *
 * @throws {InvalidInputError} There is none of this name.
 */
export async function findSchedule(store: ClientStore, name: string): Promise<StoredSchedule> {
  const found = (await store.schedules.read()).schedules.find((schedule) => schedule.name === name);
  return found ?? missing("find", name);
}

function missing(verb: string, name: string): never {
  throw new InvalidInputError(
    `Cannot ${verb} schedule ${JSON.stringify(name)}: there is none of this name; runner schedule list shows all`,
  );
}

/** Pauses a schedule: it does not fire until it is resumed. */
export async function pauseSchedule(store: ClientStore, name: string): Promise<void> {
  if (await store.schedules.schedulePause(name, "pause") === "MISSING") missing("pause", name);
}

/**
 * Resumes a schedule. What it missed is not made up.
 *
 * @returns The time of its next firing; `null` when there is none.
 */
export async function resumeSchedule(store: ClientStore, name: string, calendar: Calendar): Promise<number | null> {
  for (;;) {
    const { revision, paused, ...schedule } = await findSchedule(store, name);
    if (!paused) return schedule.nextMs;
    const nextMs = calendar.next(schedule, await store.time());
    const reply = await store.schedules.schedulePause(name, { revision, nextMs });
    if (reply === "MISSING") missing("resume", name);
    // CHANGED: it was replaced meanwhile
    if (reply === "OK") return nextMs;
  }
}

/** Removes a schedule; its jobs stay. */
export async function removeSchedule(store: ClientStore, name: string): Promise<void> {
  const found = (await store.schedules.read()).schedules.find((schedule) => schedule.name === name);
  const { keep = DEFAULT_KEEP } = found?.submission ?? {};
  const keepMs = Math.ceil(keep * 1000);
  // as for jobs; the sum of a longer time and the present one is none for Redis
  if (!await store.schedules.scheduleRemove(name, keepMs <= LONGEST_KEEP ? keepMs : 0)) missing("remove", name);
}

/**
 * Submits the job of a schedule now, whatever its overlap, also when it is paused. Its planned firings stay as they
 * are.
 *
 * @returns Id of the job: `NAME@TIME.manual-N`.
 */
export async function runSchedule(store: ClientStore, name: string): Promise<string> {
  const { submission } = await findSchedule(store, name);
  const now = formatTime(Math.floor(await store.time() / 1000) * 1000).replace(".000Z", "Z");
  for (let count = 1;; count++) {
    const id = `${name}@${now}.manual-${count}`;
    // a job of this id that exists is another manual run of the same second
    if ((await store.submit({ ...submission, id })).type === "OK") return id;
  }
}
