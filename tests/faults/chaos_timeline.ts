import { startedTooEarly } from "../support/audit.ts";
import type { RedisServer } from "../support/redis_server.ts";
import type { Job } from "./chaos_load.ts";

/** A fault from its beginning to its end, in milliseconds of the clock that is also Redis' own. */
export interface Span {
  readonly fault: string;
  /** Letter of the host; `*` for all. */
  readonly host: string;
  readonly from: number;
  /** `Infinity` while it lasts. */
  to: number;
}

/** An attempt as Redis recorded it: where, and from when to when. */
export interface Life {
  readonly host: string;
  readonly from: number;
  /** `Infinity` when its end is not on record. */
  to: number;
}

/** An event of a job. */
interface JobEvent {
  readonly at: number;
  readonly fields: Readonly<Record<string, string>>;
}

/** Faults that make Redis forget. */
export const LOSSES = ["flush", "rollback"];

/** What happened when: every fault, and every event of a job, also such as Redis has forgotten since. */
export class Timeline {
  readonly #spans: Span[] = [];
  readonly #events: JobEvent[] = [];
  /** Letters of the hosts by their instances. */
  readonly #hosts = new Map<string, string>();
  #last = "-";
  #reading: Promise<void> = Promise.resolve();

  /** Puts a fault on record while it lasts. */
  async during<T>(fault: string, host: string, work: () => Promise<T>): Promise<T> {
    const span = { fault, host, from: Date.now(), to: Infinity };
    this.#spans.push(span);
    try {
      return await work();
    } finally {
      span.to = Date.now();
    }
  }

  /** Whether one of these faults was on at a host in a time. */
  hit(faults: readonly string[], host: string, from: number, to = Infinity): boolean {
    return this.spans(faults, host).some((span) => span.from <= to && span.to >= from);
  }

  /** When some faults were on at a host. */
  spans(faults: readonly string[], host: string): readonly Span[] {
    return this.#spans.filter((span) => faults.includes(span.fault) && (span.host === host || span.host === "*"));
  }

  /** Remembers which host an instance is. */
  belongs(instance: string, host: string): void {
    this.#hosts.set(instance, host);
  }

  /** Records the events since the last time; one reading after the other, so that none is recorded twice. */
  read(redis: RedisServer): Promise<void> {
    const read = () => this.#read(redis);
    return this.#reading = this.#reading.then(read, read);
  }

  async #read(redis: RedisServer): Promise<void> {
    const entries = await redis.call("XRANGE", "rr:events", this.#last, "+") as [string, string[]][];
    for (const [id, words] of entries) {
      const fields = Object.fromEntries(words.flatMap((name, i) => i % 2 ? [] : [[name, words[i + 1]]]));
      this.#events.push({ at: Number.parseInt(id), fields });
      this.#last = `(${id}`;
    }
  }

  /** When a job was first given back by a host that had started it; `null` when it was not. */
  givenBackAt(job: string): number | null {
    const given = this.#events.find(({ fields: { e, id, s } }) => e === "finish" && id === job && s === "dispatched");
    return given?.at ?? null;
  }

  /** The times of schedules that were fired or skipped, in the order of the events. */
  firings(): { readonly id: string; readonly at: number; readonly fired: boolean; readonly missed: boolean }[] {
    return this.#events.filter(({ fields: { e } }) => e === "schedule_fired" || e === "schedule_skipped")
      .map(({ at, fields: { e, id, s } }) => ({ id, at, fired: e === "schedule_fired", missed: s === "missed" }));
  }

  /** The last attempt of every job. */
  lives(): Map<string, Life> {
    const lives = new Map<string, Life>();
    const attempts = new Map<string, number>();
    for (const { at, fields: { e, id, i, s, a } } of this.#events) {
      // the event of a start may be among what Redis forgot
      if (e === "start" || e === "reassert" && Number(a) > (attempts.get(id) ?? 0)) {
        lives.set(id, { host: this.#hosts.get(i) ?? i, from: at, to: Infinity });
        attempts.set(id, Number(a));
      } else if (isEnd(s)) {
        const life = lives.get(id);
        if (life) life.to = Math.min(life.to, at);
      }
    }
    return lives;
  }

  /** Where and when a job was started, as often as it was. */
  starts(job: string): { readonly host: string; readonly at: number }[] {
    const starts = this.#events.filter(({ fields: { e, id } }) => e === "start" && id === job);
    return starts.map(({ at, fields: { i } }) => ({ host: this.#hosts.get(i) ?? i, at }));
  }

  /**
   * Jobs that started before the end of those for which they wait. What Redis may have forgotten meanwhile counts for
   * nothing.
   */
  early(parentsOf: (id: string) => Job["after"], pushedAt: (id: string) => number): string[] {
    const starts = new Map(this.#events.flatMap(({ at, fields: { e, id } }) => e === "start" ? [[id, at]] : []));
    const certain = (id: string) =>
      parentsOf(id).filter((parent) => !this.hit(LOSSES, "*", pushedAt(parent.id), starts.get(id)));
    return startedTooEarly(this.#events.map(({ fields }) => fields), certain);
  }

  /** Events of a job after its end which say something else. One that Redis forgot may be reported again, as it was. */
  changes(mayRunAgain: (id: string) => boolean): string[] {
    const ended = new Map<string, { e: string; s: string; at: number }>();
    const findings: string[] = [];
    for (const { at, fields: { e, id, s } } of this.#events) {
      const before = ended.get(id);
      // an id that was queued twice may be claimed, given back and dropped after the end of its job
      // and a time of a schedule that is skipped is no event of a job, even when it was fired before Redis went back
      const harmless = ["late", undefined].includes(s) || ["release", "reap", "schedule_skipped"].includes(e);
      // and what waits again, by what Redis has or another host brings back, is not started before all have done so
      const repeated = s === before?.s || e === "reassert" || ["finish", "promote"].includes(e) && s === "dispatched";
      const again = before && this.hit(LOSSES, "*", before.at, at) &&
        (repeated || before.e === "skipped" || ["start", "finish"].includes(e) && mayRunAgain(id));
      if (before && !harmless && !again) {
        findings.push(`changed after its end: job ${id} was ${before.s}, then ${e} ${s}`);
      }
      if (isEnd(s)) ended.set(id, { e, s, at });
    }
    return findings;
  }

  /** What happened to a job, and which faults were on meanwhile, a line each. */
  story(id: string): string[] {
    const events = this.#events.filter(({ fields }) => fields.id === id);
    const from = (events[0]?.at ?? Infinity) - 2000;
    const to = (events.at(-1)?.at ?? -Infinity) + 1000;
    const hosts = new Set(["*", ...this.starts(id).map(({ host }) => host)]);
    const spans = this.#spans.filter((span) => span.from <= to && span.to >= from);
    const lines = [
      ...events.map(({ at, fields }) => ({
        at,
        text: Object.entries(fields).map(([name, value]) => `${name} ${value}`).join(" "),
      })),
      ...spans.filter((span) => hosts.has(span.host)).map((span) => ({
        at: span.from,
        text: `fault ${span.fault} on ${span.host} for ${Math.round(span.to - span.from)} ms`,
      })),
    ];
    return lines.sort((a, b) => a.at - b.at).map(({ at, text }) => `${id}: ${at} ${text}`);
  }
}

function isEnd(state: string | undefined): state is string {
  return state === "finished" || state === "error";
}
