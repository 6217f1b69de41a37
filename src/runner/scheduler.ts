import { messageOf } from "../domain/message_of.ts";
import type { Calendar } from "../ports/calendar.ts";
import type { ScheduleCopy, ScheduleList, SchedulePlans, ScheduleUser, StoredSchedule } from "../ports/schedules.ts";
import type { Alarm } from "./alarms.ts";
import type { ClaimGate } from "./claim_gate.ts";
import type { RunnerParts } from "./parts.ts";
import { isAway } from "./patience.ts";

/** Leases after which a firing was missed: runners fire nothing for one after data loss. */
const GRACE_LEASES = 2;
/**
 * The longest delay with which a runner checks a schedule that is due, milliseconds: they do so one after the other.
 */
const SPREAD = 200;
/**
 * Shortest pause between two checks of firings that wait for the end of the last job, milliseconds, and its least ratio
 * to the duration of a round.
 */
const HELD_EVERY = 1000;
const HELD_RATIO = 20;

/** What it works with. */
type SchedulerParts =
  & Pick<RunnerParts, "clock" | "log" | "settings" | "schedules" | "openCalendar" | "checkpoint">
  & { readonly queue: ScheduleUser };

/**
 * Fires the schedules of the namespace that are due, and keeps a copy of all of them on this host. Every runner does
 * so: the script in Redis lets one of them succeed.
 */
export class Scheduler {
  readonly #parts: SchedulerParts;
  readonly #gate: ClaimGate;
  readonly #alarm: Alarm;
  #copy: ScheduleCopy | null = null;
  /** Mark of the schedules in the last heartbeat. */
  #mark = "";
  /** Monotonic time until which this runner fires nothing, because Redis may have lost data. */
  #quietUntil = 0;
  /** Why schedules could not fire, by name: each reason is reported once. */
  readonly #failures = new Map<string, string>();

  constructor(parts: SchedulerParts, { gate, alarm }: { gate: ClaimGate; alarm: Alarm }) {
    this.#parts = parts;
    this.#gate = gate;
    this.#alarm = alarm;
  }

  /** Notes what a heartbeat reports. */
  planned({ mark, dueInMs }: SchedulePlans): void {
    const { clock, settings } = this.#parts;
    if (this.#gate.has("restoring")) this.#quietUntil = clock.now() + settings.leaseMs;
    this.#mark = mark;
    if (mark !== this.#copy?.mark) this.#alarm.soon();
    if (dueInMs !== null) this.#alarm.soon(dueInMs + clock.random() * SPREAD);
  }

  /** Updates the copy, and fires what is due. Without any schedule it asks nothing of Redis. */
  async tick(signal?: AbortSignal): Promise<void> {
    const { queue, clock, schedules, openCalendar } = this.#parts;
    const begun = clock.now();
    const kept = this.#copy ??= await schedules.load();
    if (this.#mark === "" && kept.mark === "") return;
    const list = await this.#complete(await queue.schedules.read(), kept);
    await this.#keep(list, list.mark !== kept.mark);
    const quietMs = Math.max(this.#quietUntil - clock.now(), list.holdMs - list.nowMs);
    if (quietMs > 0) return this.#alarm.soon(quietMs);
    const due = list.schedules.filter((one) => isDue(one, list.nowMs));
    if (due.length === 0) return this.#wakeFor(list, { begun, triedMs: list.nowMs });
    const calendar = await openCalendar();
    await this.#expect(due, list);
    for (const schedule of due) if (!signal?.aborted) await this.#tryFire(schedule, list, calendar);
    const after = await queue.schedules.read();
    // also when nothing has changed: the copy holds firings that were expected
    await this.#keep(after, true);
    this.#wakeFor(after, { begun, triedMs: list.nowMs });
  }

  /**
   * Asks for a round when the next schedule is due, or to check jobs for whose end firings wait. One that was
   * due at `triedMs` and has not fired since is tried again after the next heartbeat.
   */
  #wakeFor({ schedules, nowMs }: ScheduleList, { begun, triedMs }: { begun: number; triedMs: number }): void {
    const { clock } = this.#parts;
    if (schedules.some(({ waits }) => waits)) {
      this.#alarm.soon(Math.max(HELD_EVERY, HELD_RATIO * (clock.now() - begun)));
    }
    const first = schedules.reduce(
      (first, { paused, nextMs }) => paused || nextMs === null || nextMs <= triedMs ? first : Math.min(first, nextMs),
      Infinity,
    );
    if (first < Infinity) this.#alarm.soon(Math.max(0, first - nowMs) + clock.random() * SPREAD);
  }

  /** Restores what Redis has lost, or had lost when it went back. */
  async #complete(list: ScheduleList, kept: ScheduleCopy): Promise<ScheduleList> {
    const { queue, settings, log, checkpoint } = this.#parts;
    if (!isOlder(list.mark, kept.mark)) return list;
    let count = 0;
    for (const [name, fields] of Object.entries(kept.records)) {
      if (await queue.schedules.scheduleRestore(name, fields, settings.leaseMs)) count++;
      checkpoint("after_schedule_restore");
    }
    if (count > 0) log.warn("brought back schedules that Redis had lost", { count });
    return await queue.schedules.read();
  }

  async #keep({ mark, records }: ScheduleCopy, isNew: boolean): Promise<void> {
    this.#copy = { mark, records };
    if (isNew) await this.#write(this.#copy);
  }

  async #write(copy: ScheduleCopy): Promise<void> {
    try {
      await this.#parts.schedules.save(copy);
    } catch (error) {
      this.#parts.log.warn("could not save the copy of the schedules", { error: String(error) });
    }
  }

  /** Fires a schedule; one that cannot fire, as no runner here can read it or use its queue, stops no other one. */
  async #tryFire(schedule: StoredSchedule, list: ScheduleList, calendar: Calendar): Promise<void> {
    const { name } = schedule;
    try {
      await this.#fireAll(schedule, list, calendar);
      this.#failures.delete(name);
    } catch (error) {
      if (isAway(error)) throw error;
      const why = messageOf(error);
      if (this.#failures.get(name) !== why) {
        this.#parts.log.error("could not fire a schedule", { error: `${name}: ${why}` });
      }
      this.#failures.set(name, why);
    }
  }

  /** Fires a schedule for each of its times that has come. */
  async #fireAll(schedule: StoredSchedule, list: ScheduleList, calendar: Calendar): Promise<void> {
    let current: StoredSchedule | null = schedule;
    while (current !== null && isDue(current, list.nowMs)) {
      current = await this.#fire(current, list, calendar);
    }
  }

  /** Fires one time; returns the schedule as it is then, `null` when there is nothing more to do now. */
  async #fire(schedule: StoredSchedule, list: ScheduleList, calendar: Calendar): Promise<StoredSchedule | null> {
    const { queue, settings, log, clock, checkpoint } = this.#parts;
    const planned = schedule.nextMs!;
    const graceMs = GRACE_LEASES * settings.leaseMs;
    const isLate = list.nowMs - planned > graceMs || planned <= list.holdMs;
    const timeMs = isLate && schedule.heldMs !== planned ? newest(calendar, schedule, list.nowMs) : planned;
    const nextMs = calendar.next(schedule, timeMs);
    const id = idOf(schedule.name, timeMs);
    const { submission, jitter } = schedule;
    const delay = jitter > 0 ? { notBeforeMs: Math.round(timeMs + clock.random() * jitter * 1000) } : {};
    checkpoint("before_schedule_fired");
    const reply = await queue.schedules.scheduleFired({
      ...{ schedule, timeMs, nextMs, graceMs },
      submission: { ...submission, id, ...delay },
      plannedId: idOf(schedule.name, planned),
    });
    checkpoint("after_schedule_fired");
    log.debug("schedule", { job: id, state: reply.type.toLowerCase() });
    switch (reply.type) {
      case "HELD":
        if (reply.cancels) await queue.schedules.cancelLast(schedule.job);
        checkpoint("after_cancel_last");
        this.#alarm.soon(HELD_EVERY);
        return null;
      case "EARLY":
      case "CHANGED":
        return null;
      case "FIRED":
      case "EXISTS":
        return { ...schedule, nextMs, lastMs: timeMs, job: id, heldMs: null };
      default:
        return { ...schedule, nextMs, heldMs: null };
    }
  }

  /**
   * Notes in the copy that schedules fire for times up to now, before they do: were this process and Redis' data lost
   * together, a firing would be missed rather than happen twice.
   */
  async #expect(due: readonly StoredSchedule[], { mark, records, nowMs }: ScheduleList): Promise<void> {
    const fired = due.map(({ name }) => [name, { ...records[name], last: String(nowMs) }] as const);
    this.#copy = { mark, records: { ...records, ...Object.fromEntries(fired) } };
    await this.#write(this.#copy);
  }
}

/** Returns whether there is something to do for a schedule. */
function isDue({ paused, nextMs, waits }: StoredSchedule, nowMs: number): boolean {
  return !paused && !waits && nextMs !== null && nextMs <= nowMs;
}

/** Returns the id of the job of a firing. */
function idOf(name: string, timeMs: number): string {
  return `${name}@${new Date(timeMs).toISOString().replace(".000Z", "Z")}`;
}

/** Returns whether Redis' schedules are older than the copy, or others than those. */
function isOlder(stored: string, kept: string): boolean {
  const [birth, version] = stored.split(" ");
  const [keptBirth, keptVersion] = kept.split(" ");
  return kept !== "" && (birth !== keptBirth || Number(version) < Number(keptVersion));
}

/** Returns the newest time of a schedule that has come, its next one at the earliest. */
function newest(calendar: Calendar, schedule: StoredSchedule, nowMs: number): number {
  // none comes after `end`
  let [time, end] = [schedule.nextMs!, nowMs];
  while (end - time >= 1000) {
    const middle = Math.floor((time + end) / 2);
    const found = calendar.next(schedule, middle);
    if (found !== null && found <= nowMs) time = found;
    else end = middle;
  }
  return time;
}
