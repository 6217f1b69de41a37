import { TRUNCATED_LINE } from "../../src/domain/output.ts";
import type { Ended, Load } from "./chaos_load.ts";
import type { Clash } from "./chaos_permits.ts";
import { type Life, LOSSES, type Timeline } from "./chaos_timeline.ts";

/**
 * Faults after which a job that ran there may be lost. A copy that took over does not see what runs in another tmux
 * server. A runner whose spool was deleted notices that within some seconds: what it starts before, the next one cannot
 * find, so that the whole of this fault counts, from its order to the new runner.
 */
const ENDS_JOBS = ["tmux_kill", "tmux_crash", "spool_deleted", "copy_ran", "(spool_deleted)"];
/** Faults after which the output of a job that ran there may lack its end, and says so. */
const CUTS_OUTPUT = ["spool_deleted", "tmux_kill", "tmux_crash", "copy_ran"];
/** A full disk does so, too, until each terminal has a new log: so long after there was room again, milliseconds. */
const FULL = ["disk_full"];
const NEW_LOG = 3000;
/** Faults after which a host has no record of its ended jobs any more. */
export const LOSES_RECORDS = ["spool_deleted", "copy_ran"];
/**
 * The longest time until a host has brought back what Redis forgot, milliseconds: faults of its link are in the way.
 */
export const BRINGS_BACK = 15_000;

type Fields = Readonly<Record<string, string>>;

/** What each fault allows to happen to a job, and nothing else. */
export class Rules {
  readonly #timeline: Timeline;
  readonly #load: Load;
  readonly #everysec: boolean;
  readonly #lives: ReadonlyMap<string, Life>;
  readonly #ran: ReadonlyMap<string, unknown>;

  /** @param ran The jobs that were executed. */
  constructor(how: { timeline: Timeline; load: Load; everysec: boolean; ran: ReadonlyMap<string, unknown> }) {
    this.#timeline = how.timeline;
    this.#load = how.load;
    this.#everysec = how.everysec;
    this.#ran = how.ran;
    this.#lives = how.timeline.lives();
  }

  /** A job that did not run may be gone when its push was cut off, or when Redis forgot it. */
  #neverQueued(id: string): boolean {
    const { from, to } = this.#load.pushed.get(id)!;
    return this.#everysec || this.#load.unsure.has(id) || this.#timeline.hit(["flush"], "*", from) ||
      this.#timeline.hit(["rollback"], "*", from, to);
  }

  /** A job that ran may be gone when Redis forgot it and the spool of its host has gone as well. */
  mayBeGone(id: string): boolean {
    if (!this.#neverQueued(id)) return false;
    if (!this.#ran.has(id)) return true;
    const life = this.#lives.get(id);
    return life !== undefined && this.#isForgotten(life);
  }

  /** Redis forgot what became of an attempt, and its host cannot say it again: its records went before it could. */
  #isForgotten(life: Life): boolean {
    const losses = this.#timeline.spans(LOSSES, "*").filter((loss) =>
      loss.to >= life.from && (loss.fault === "flush" || loss.from <= life.to)
    );
    return losses.some((loss) => this.#timeline.hit(LOSES_RECORDS, life.host, life.from, loss.to + BRINGS_BACK));
  }

  /**
   * Starts of a job that Redis forgot, and of which the host has no record any more. To both, the job waits to run:
   * Redis went back to a time before that start, or another host brings back that it had given the job back.
   */
  forgottenStarts(id: string): number {
    const losses = this.#timeline.spans(LOSSES, "*");
    const givenBackAt = this.#timeline.givenBackAt(id);
    const isForgotten = ({ host, at }: { host: string; at: number }) =>
      losses.some((loss) => {
        const forgets = loss.fault === "flush"
          ? givenBackAt !== null && givenBackAt < at && at <= loss.to
          : loss.from <= at && at <= loss.to;
        return forgets && this.#timeline.hit(LOSES_RECORDS, host, at, loss.to + BRINGS_BACK);
      });
    return this.#timeline.starts(id).filter(isForgotten).length;
  }

  /**
   * A job may be lost when its terminal or its spool was taken away, or its host was silent until its timeout was over.
   */
  mayBeLost(id: string, now: Fields): boolean {
    if (!now.error?.startsWith("lost:")) return false;
    if (this.#load.jobs.get(id)!.timeout && /lease/.test(now.error)) return true;
    const life = this.#lives.get(id);
    return life !== undefined &&
      (this.#timeline.hit(ENDS_JOBS, life.host, life.from, life.to) || this.#isForgotten(life));
  }

  /** A job may end without having run when it is lost, or when its terminal was gone until its timeout was over. */
  mayBeUnrun(id: string, now: Fields): boolean {
    if (this.mayBeLost(id, now) || now.error?.startsWith("skipped:")) return true;
    const life = this.#lives.get(id);
    return now.error?.startsWith("timed out") === true && life !== undefined &&
      this.#timeline.hit(ENDS_JOBS, life.host, life.from, life.to);
  }

  /** A job may be skipped when one that must finish has failed, or one for which it waits is gone. */
  #mayBeSkipped(id: string, statusOf: (id: string) => string | undefined): boolean {
    const { after } = this.#load.jobs.get(id)!;
    return this.#timeline.hit(LOSSES, "*", this.#load.pushed.get(id)!.from) || after.some((parent) => {
      const status = statusOf(parent.id);
      return status === undefined ? this.mayBeGone(parent.id) : parent.condition === "finished" && status === "error";
    });
  }

  /** What is wrong with the end of a job. */
  wrongEnd(id: string, now: Fields, statusOf: (id: string) => string | undefined): string | null {
    if (now.error?.startsWith("skipped:")) {
      return this.#mayBeSkipped(id, statusOf) ? null : `skipped without a reason: job ${id} says ${now.error}`;
    }
    const { result, error } = this.#load.jobs.get(id)!;
    if (now.result === result && now.error === error || this.mayBeLost(id, now)) return null;
    const life = this.#lives.get(id);
    const mayBeCut = life && (this.#timeline.hit(CUTS_OUTPUT, life.host, life.from, life.to) ||
      this.#timeline.hit(FULL, life.host, life.from - NEW_LOG, life.to) || this.#isForgotten(life));
    if (now.error === error && now.result?.endsWith(TRUNCATED_LINE) && mayBeCut) return null;
    const [is, expected] = [[now.result, now.error], [result, error]].map((pair) => JSON.stringify(pair));
    return `wrong end: job ${id} says ${is}, expected ${expected}`;
  }

  /**
   * What is wrong with a job that began while another process had its permit. That one may outlive its attempt: its
   * host was silent until its timeout was over, or its terminal or spool was taken away; and its permit with its
   * attempt, when its host could not bring both back in time to a Redis that had forgotten them.
   */
  wrongPermit({ id, other, at }: Clash, errorOf: (id: string) => string | undefined): string | null {
    if (other === null) return `a permit above the limit: job ${id}`;
    const life = this.#lives.get(other);
    const mayOutlive = life === undefined || errorOf(other)?.startsWith("lost:") ||
      this.#timeline.hit([...ENDS_JOBS, ...LOSES_RECORDS], life.host, life.from, at) ||
      this.#timeline.hit(LOSSES, "*", life.from, at);
    return mayOutlive ? null : `a limit exceeded: job ${id} began while job ${other} had its permit`;
  }

  /**
   * What is wrong with a job that had ended before and is so now. Its end may have been reported to Redis once more
   * since.
   */
  changed(id: string, before: Ended, now: Fields): string | null {
    const life = this.#lives.get(id);
    // then its end is another one, which `wrongEnd` checks
    if (life && this.#isForgotten(life)) return null;
    const forgotten = this.#timeline.hit(LOSSES, "*", before.at);
    const count = forgotten ? (fields: Fields) => [fields.status, fields.result, fields.error] : entries;
    if (JSON.stringify(count(now)) === JSON.stringify(count(before.fields))) return null;
    if (forgotten && before.fields.error?.startsWith("skipped:")) return null; // no host has that on record
    // what a peer said about a silent host is known to Redis alone until the host comes back
    if (forgotten && before.fields.error?.startsWith("lost: the lease")) return null;
    return `changed after its end: job ${id} was ${JSON.stringify(before.fields)}, is ${JSON.stringify(now)}`;
  }
}

function entries(fields: Fields): unknown {
  return Object.entries(fields).sort();
}
