import type { Overlap } from "../../src/domain/schedule.ts";
import { openStore } from "../../src/redis/open_store.ts";
import { parseRedisUrl } from "../../src/redis/url.ts";
import { systemCalendar } from "../../src/system/calendar.ts";
import { systemClock } from "../../src/system/clock.ts";
import { until } from "../support/until.ts";
import type { RunnerFixture } from "../support/runner_fixture.ts";
import { BRINGS_BACK, LOSES_RECORDS } from "./chaos_rules.ts";
import type { Load } from "./chaos_load.ts";
import { LOSSES, type Timeline } from "./chaos_timeline.ts";

/** Seconds between two firings, and of a job; some are longer than that. */
const PLANS: readonly { name: string; every: number; seconds: number; overlap: Overlap }[] = [
  { name: "often", every: 2, seconds: 0, overlap: "skip" },
  { name: "long", every: 1, seconds: 1.5, overlap: "skip" },
  { name: "queued", every: 3, seconds: 3.2, overlap: "queue" },
];

/** Schedules of the load: what they fired, and what they should have. */
export class Recurring {
  readonly #fixture: RunnerFixture;
  readonly #timeline: Timeline;
  readonly #load: Load;
  readonly #store;

  constructor(fixture: RunnerFixture, timeline: Timeline, load: Load) {
    this.#fixture = fixture;
    this.#timeline = timeline;
    this.#load = load;
    this.#store = openStore({ url: parseRedisUrl(fixture.redis.address), namespace: "", clock: systemClock });
  }

  /** Adds all schedules, and waits until the hosts with these folders of instances have copies. */
  async add(line: string, instances: readonly string[]): Promise<void> {
    const sinceMs = Date.now();
    for (const { name, every, seconds, overlap } of PLANS) {
      const timetable = { cron: `@every ${every}s`, tz: "UTC", sinceMs };
      const payload = `${line}; sleep ${seconds}; echo out "$RUNNER_JOB_ID"`;
      const submission = { payload, runner: this.#fixture.name, executor: "tmux.main" };
      const definition = { ...timetable, overlap, catchUp: 0, jitter: 0, submission };
      await this.#store.schedules.scheduleAdd(name, definition, systemCalendar.next(timetable, sinceMs));
    }
    const copies = () =>
      Promise.all(instances.map((dir) => Deno.readTextFile(`${dir}/schedules.json`).catch(() => "")));
    const isWhole = (copy: string) => PLANS.every(({ name }) => copy.includes(`"${name}"`));
    await until("the hosts have copies", async () => (await copies()).every(isWhole));
  }

  /** Makes the jobs of firings part of the load: also such of which only their execution is on record. */
  adopt(executed: Iterable<string> = []): void {
    for (const { id, at, fired } of this.#timeline.firings()) if (fired) this.#load.adopt(id, at);
    for (const id of executed) if (isFiring(id)) this.#load.adopt(id, timeOf(id));
  }

  /** After all faults: waits until each schedule has fired once more, then removes all; returns what is wrong. */
  async end(): Promise<string[]> {
    const findings: string[] = [];
    const from = Date.now();
    for (const { name } of PLANS) {
      const firesOrIsGone = async () => {
        await this.#timeline.read(this.#fixture.redis);
        const fires = this.#timeline.firings().some(({ id, at, fired }) => fired && at > from && nameOf(id) === name);
        return fires || this.#mayBeGone() && await this.#fixture.redis.call("EXISTS", `rr:schedule:${name}`) === 0;
      };
      await until(`${name} fires`, firesOrIsGone, 60_000)
        .catch(() => findings.push(`a schedule that does not fire: ${name}`));
    }
    const remove = async () => {
      for (const { name } of PLANS) await this.#store.schedules.scheduleRemove(name, 1000);
      return true;
    };
    await until("the schedules are removed", () => remove().catch(() => false)); // a fault has cut the connection
    await this.#timeline.read(this.#fixture.redis);
    return [...findings, ...this.#left()];
  }

  /** Times that were neither fired nor skipped. */
  #left(): string[] {
    return PLANS.flatMap(({ name, every, overlap }) => {
      const firings = this.#timeline.firings().filter(({ id }) => nameOf(id) === name);
      /** Whether it stands for several: while none came, or while one waited for the end of the last job. */
      const isMany = ({ fired, missed }: typeof firings[number]) => missed || !fired && overlap === "queue";
      return firings.flatMap((firing, i) => {
        const { id, at } = firing;
        const before = firings[i - 1];
        if (!before || isMany(before) || isMany(firing) || timeOf(id) - timeOf(before.id) <= every * 1000) return [];
        if (this.#timeline.hit(LOSSES, "*", before.at - BRINGS_BACK, at)) return [];
        return [`a time of a schedule that was left out: between ${before.id} and ${id}`];
      });
    });
  }

  /** Redis forgot them, and the spool of a host that may have had the only copy has gone as well. */
  #mayBeGone(): boolean {
    return this.#timeline.spans(LOSSES, "*").some((loss) =>
      ["a", "b", "c"].some((host) => this.#timeline.hit(LOSES_RECORDS, host, 0, loss.to + BRINGS_BACK))
    );
  }

  close(): void {
    this.#store.close();
  }
}

/** Whether an id is that of a firing: `NAME@TIME`. */
export function isFiring(id: string): boolean {
  return PLANS.some(({ name }) => id.startsWith(`${name}@`));
}

function nameOf(id: string): string {
  return id.slice(0, id.indexOf("@"));
}

function timeOf(id: string): number {
  return Date.parse(id.slice(id.indexOf("@") + 1));
}
