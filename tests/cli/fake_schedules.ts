import type { ScheduleDefinition } from "../../src/domain/schedule.ts";
import type { Resumption, ScheduleList, ScheduleStore, StoredSchedule } from "../../src/ports/schedules.ts";

/** Schedules in memory, as clients see them. */
export class FakeSchedules implements ScheduleStore {
  readonly stored = new Map<string, StoredSchedule>();
  /** Milliseconds for which the last firing of each removed one is kept. */
  readonly removed: [name: string, keepMs: number][] = [];
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Changes a schedule that is there. */
  change(name: string, more: Partial<StoredSchedule>): void {
    this.stored.set(name, { ...this.stored.get(name)!, ...more });
  }

  read(): Promise<ScheduleList> {
    const schedules = [...this.stored.values()];
    return Promise.resolve({ mark: "", records: {}, nowMs: this.#now(), holdMs: 0, schedules });
  }

  scheduleAdd(name: string, definition: ScheduleDefinition, nextMs: number | null): Promise<boolean> {
    const { paused = false, lastMs = null, job = "" } = this.stored.get(name) ?? {};
    const rest = { name, revision: "1", nextMs, lastMs, job, heldMs: null, waits: false, skipped: null, paused };
    this.stored.set(name, { ...definition, ...rest });
    return Promise.resolve(paused);
  }

  /** Called before a schedule is resumed. */
  onResume: () => void = () => {};

  schedulePause(name: string, how: "pause" | Resumption): Promise<"OK" | "MISSING" | "CHANGED"> {
    if (how !== "pause") this.onResume();
    const found = this.stored.get(name);
    if (!found) return Promise.resolve("MISSING");
    if (how !== "pause" && how.revision !== found.revision) return Promise.resolve("CHANGED");
    this.change(name, how === "pause" ? { paused: true } : { paused: false, nextMs: how.nextMs });
    return Promise.resolve("OK");
  }

  scheduleRemove(name: string, keepMs: number): Promise<boolean> {
    this.removed.push([name, keepMs]);
    return Promise.resolve(this.stored.delete(name));
  }
}
