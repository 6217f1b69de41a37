import { OVERLAPS, type ScheduleDefinition } from "../domain/schedule.ts";
import { UnavailableError } from "../domain/errors.ts";
import { MAX_TIME } from "../domain/limits.ts";
import type {
  Firing,
  FiringReply,
  Resumption,
  ScheduleFields,
  ScheduleList,
  ScheduleQueue,
  ScheduleStore,
  StoredSchedule,
} from "../ports/schedules.ts";
import { Cancellations } from "./cancel.ts";
import { SCRIPTS } from "./scripts.ts";
import { recordOf } from "./items.ts";
import type { Steps } from "./steps.ts";
import { callOf } from "./submission.ts";

/** Schedules in Redis, for runners and for clients. */
export class Schedules implements ScheduleQueue, ScheduleStore {
  readonly #steps: Steps;
  readonly #cancellations: Cancellations;

  constructor(steps: Steps) {
    this.#steps = steps;
    this.#cancellations = new Cancellations(steps);
  }

  async read(): Promise<ScheduleList> {
    const { link, keys } = this.#steps;
    const prefixes = [keys.schedule(""), keys.job("")];
    const reply = await link.run(SCRIPTS.schedules, [keys.schedules(), keys.scheduleDue()], prefixes);
    const [, now, birth, version, hold, text, names] = reply;
    const waiting = new Set(JSON.parse(String(names)) as string[]);
    const found = (JSON.parse(String(text)) as string[][]).map(([name, ...items]) => [name, recordOf(items)] as const);
    return {
      mark: birth === "" ? "" : `${birth} ${version}`,
      records: Object.fromEntries(found),
      nowMs: Number(now),
      holdMs: Number(hold),
      schedules: found.flatMap(([name, fields]) => readSchedule(name, fields, waiting.has(name)) ?? [])
        .sort((a, b) => a.name < b.name ? -1 : 1),
    };
  }

  async scheduleAdd(name: string, definition: ScheduleDefinition, nextMs: number | null): Promise<boolean> {
    const { cron, tz, overlap, catchUp } = definition;
    const fields = ["text", JSON.stringify(definition), "overlap", overlap, "catch_up", Math.round(catchUp * 1000)];
    const args = [name, nextMs ?? "", `${tz} ${cron}`, ...fields];
    const reply = await this.#steps.link.run(SCRIPTS.schedule_add, this.#keys(name), args);
    return reply[1] === 1;
  }

  async schedulePause(name: string, how: "pause" | Resumption): Promise<"OK" | "MISSING" | "CHANGED"> {
    const args = how === "pause" ? [name, 1, "", ""] : [name, "", how.nextMs ?? "", how.revision];
    const [type] = await this.#steps.link.run(SCRIPTS.schedule_pause, this.#keys(name), args);
    return type as "OK" | "MISSING" | "CHANGED";
  }

  async scheduleRemove(name: string, keepMs: number): Promise<boolean> {
    return (await this.#steps.link.run(SCRIPTS.schedule_remove, this.#keys(name), [name, keepMs]))[0] === "OK";
  }

  async scheduleRestore(name: string, fields: ScheduleFields, holdMs: number): Promise<boolean> {
    const args = [name, Math.ceil(holdMs), ...Object.entries(fields).flat()];
    return (await this.#steps.link.run(SCRIPTS.schedule_restore, this.#keys(name), args))[0] === "OK";
  }

  async scheduleFired(firing: Firing): Promise<FiringReply> {
    const { schedule, timeMs, nextMs, graceMs, submission, plannedId } = firing;
    const { keys, link } = this.#steps;
    const { job, name, revision } = schedule;
    const call = this.#steps.callOf(submission.id, callOf(keys, submission));
    const times = [schedule.nextMs ?? "", timeMs, nextMs ?? "", Math.ceil(graceMs)];
    const [type, cancels] = await link.run(
      SCRIPTS.schedule_fired,
      [...this.#keys(name), keys.job(job), keys.meta(job), ...call.keys],
      [name, revision, ...times, job, plannedId, submission.runner, ...call.args],
    );
    if (type === "HELD") return { type, cancels: cancels === 1 };
    if (type === "FIRED" && submission.notBeforeMs !== undefined) await this.#wakeUp(submission.runner);
    return { type: type as Exclude<FiringReply["type"], "HELD"> };
  }

  async cancelLast(id: string): Promise<void> {
    const [runner, reply] = await this.#cancellations.cancel(id, "replaced by the next firing");
    if (reply[0] === "CANCELLED") await this.#steps.settleAll(reply.slice(2).map(String));
    if (reply[0] === "REQUESTED") await this.#wakeUp(runner);
  }

  /** Asks the runners of a name to send their heartbeats now; without it they notice the change at the next ones. */
  async #wakeUp(runner: string): Promise<void> {
    try {
      await this.#steps.link.call("PUBLISH", [this.#steps.keys.wakeUp(runner), ""]);
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error;
    }
  }

  #keys(name: string): string[] {
    const { keys } = this.#steps;
    return [keys.schedules(), keys.scheduleDue(), keys.schedule(name)];
  }
}

/** Reads a time; `null` for a text that this program has not written. */
function timeOf(text: string | undefined): number | null {
  const ms = Number(text);
  return String(ms) === text && Math.abs(ms) <= MAX_TIME ? ms : null;
}

/** Reads a record; `null` for a removed schedule, and for a text that this program has not written. */
function readSchedule(name: string, fields: ScheduleFields, waits: boolean): StoredSchedule | null {
  const definition = definitionOf(fields.text ?? "");
  if (!definition) return null;
  const [ms, why = ""] = (fields.skipped ?? "").split(" ");
  const skippedMs = timeOf(ms);
  return {
    ...definition,
    name,
    revision: fields.rev ?? "",
    nextMs: timeOf(fields.next),
    lastMs: timeOf(fields.last),
    job: fields.job ?? "",
    heldMs: timeOf(fields.held),
    waits,
    skipped: skippedMs === null ? null : { ms: skippedMs, why },
    paused: fields.paused !== undefined,
  };
}

function definitionOf(text: string): ScheduleDefinition | null {
  try {
    const found = JSON.parse(text) as ScheduleDefinition;
    const texts = [found.cron, found.tz, found.submission.payload, found.submission.runner, found.submission.executor];
    const numbers = [found.sinceMs, found.catchUp, found.jitter];
    const isWhole = texts.every((value) => typeof value === "string") && numbers.every(Number.isFinite);
    return isWhole && OVERLAPS.includes(found.overlap) ? found : null;
  } catch {
    return null;
  }
}
